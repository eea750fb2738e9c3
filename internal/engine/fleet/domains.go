package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"coreos-libvirt/internal/engine"
)

// definer makes domains, and removes them, where they are or will be.
type definer struct{ *index }

// Define makes or changes the domain, on the host that has it or else on the one that was chosen for it.
func (d definer) Define(text string) (made string, err error) {
	domain, err := d.definitions.Parse(text)
	if err != nil {
		return "", err
	}
	h := d.of(domain.Name)
	if h == nil {
		return "", fmt.Errorf("%s: %w", domain.Name, errUnplaced)
	}
	on, err := h.engine()
	if err != nil {
		return "", err
	}
	if made, err = on.Define(text); err == nil {
		d.notes(h, domain)
	}
	return made, err
}

// Remove ends and removes the domain, on the host that has it. If none of those that answer has it, one that does not may.
func (d definer) Remove(uuid string, owners ...string) error {
	d.mu.Lock()
	h := d.uuids[uuid].host
	d.mu.Unlock()
	if h == nil {
		return errors.Join(d.silent()...)
	}
	on, err := h.engine()
	if err != nil {
		return err
	}
	if err := on.Remove(uuid, owners...); err != nil {
		return err
	}
	d.forgets(uuid)
	return nil
}

// power starts and ends domains.
type power struct{ *index }

// Start boots the domain.
func (p power) Start(name string) error {
	return p.on(name, func(e engine.Engine) error { return e.Start(name) })
}

// Shutdown asks the guest to end.
func (p power) Shutdown(name string) error {
	return p.on(name, func(e engine.Engine) error { return e.Shutdown(name) })
}

// Destroy ends the domain.
func (p power) Destroy(name string) error {
	return p.on(name, func(e engine.Engine) error { return e.Destroy(name) })
}

// on does something with the engine that has the domain.
func (i *index) on(domain string, do func(engine.Engine) error) error {
	e, err := i.engineOf(domain)
	if err != nil {
		return err
	}
	return do(e)
}

// events report what happens to domains.
type events struct{ *index }

// Watch gives a value when something may have happened to the domain. Of one on a host that does not answer it never does.
func (e events) Watch(domain string) (happened <-chan struct{}, end func()) {
	on, err := e.engineOf(domain)
	if err != nil {
		return nil, func() {}
	}
	return on.Watch(domain)
}

// Started is when the domain was last started.
func (e events) Started(domain string, since time.Time) time.Time {
	on, err := e.engineOf(domain)
	if err != nil {
		return since
	}
	return on.Started(domain, since)
}

// Reboots is how often the domain has rebooted.
func (e events) Reboots(domain string) int {
	on, err := e.engineOf(domain)
	if err != nil {
		return 0
	}
	return on.Reboots(domain)
}

// ports open what leads into guests.
type ports struct{ *index }

// Channel opens a virtio channel of the domain.
func (p ports) Channel(ctx context.Context, domain, name string) (engine.Channel, error) {
	on, err := p.engineOf(domain)
	if err != nil {
		return nil, err
	}
	return on.Channel(ctx, domain, name)
}

// Console opens the domain's serial console.
func (p ports) Console(ctx context.Context, domain string) (engine.Channel, error) {
	return with(p.index, domain, func(on engine.Consoles) (engine.Channel, error) { return on.Console(ctx, domain) })
}

// Screen takes a picture of what the domain shows.
func (p ports) Screen(ctx context.Context, domain string, most int64) ([]byte, error) {
	return with(p.index, domain, func(on engine.Screens) ([]byte, error) { return on.Screen(ctx, domain, most) })
}

// with does something with the engine that has the domain, as one that can do more.
func with[T, R any](i *index, domain string, do func(T) (R, error)) (result R, err error) {
	e, err := i.engineOf(domain)
	if err != nil {
		return result, err
	}
	can, ok := engine.As[T](e)
	if !ok {
		return result, fmt.Errorf("%s: its host cannot do that", domain)
	}
	return do(can)
}

// do is with for what has no result.
func do[T any](i *index, domain string, what func(T) error) error {
	_, err := with(i, domain, func(on T) (struct{}, error) { return struct{}{}, what(on) })
	return err
}
