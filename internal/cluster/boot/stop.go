package boot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
)

// Stopping is how nodes are shut down.
type Stopping struct {
	Engine engine.Engine
	Grace  time.Duration // that a node has to end by itself
	Say    func(format string, args ...any)
}

// Stop shuts the node down: by ACPI, and if that does nothing by force. One that is paused and cannot go on, because its disk is
// full, is left so: what it has still to write is lost by force only.
func (s Stopping) Stop(ctx context.Context, d engine.Domain) error {
	switch d.State {
	case engine.Running:
	case engine.Paused: // it could not hear
		if err := s.Engine.Start(d.Name); err != nil {
			return err
		}
	case engine.Crashed:
		s.Say("%s: had crashed, what is left of it is ended", d.Name)
		return s.Engine.Destroy(d.Name)
	default:
		s.Say("%s: does not run", d.Name)
		return nil
	}
	begin := time.Now()
	if err := s.Engine.Shutdown(d.Name); err != nil {
		return err
	}
	s.Say("%s: asked to shut down", d.Name)
	graceful, cancel := context.WithTimeout(ctx, s.Grace)
	defer cancel()
	ended, err := awaitEnd(graceful, s.Engine, d.Name, func(state engine.State) error { return canHear(s.Engine, d.Name, state) })
	if err != nil || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	if ended {
		s.Say("%s: shut down (%s)", d.Name, progress.Seconds(time.Since(begin)))
		return nil
	}
	if err := s.Engine.Destroy(d.Name); err != nil {
		return err
	}
	s.Say("%s: did not shut down within %s, ended by force", d.Name, s.Grace)
	return nil
}

// canHear is an error if the domain is paused, and no user asked for that: its guest does not hear that it should end.
func canHear(on engine.Engine, name string, state engine.State) error {
	if state != engine.Paused {
		return nil
	}
	reason, err := on.Reason(name)
	if err != nil || reason == "" {
		return err
	}
	return hint.Errorf(fmt.Sprintf("correct what is wrong, then `mage start node=%s` lets it go on, and it can be stopped; `virsh destroy %s` powers it off", name, name),
		"it is paused, so it cannot shut down: %s", reason)
}

// AwaitEnd reports whether the domain has ended before ctx does.
func AwaitEnd(ctx context.Context, on engine.Engine, name string) (bool, error) {
	return awaitEnd(ctx, on, name, func(engine.State) error { return nil })
}

// awaitEnd is AwaitEnd that ends with an error of check, which sees each state.
func awaitEnd(ctx context.Context, on engine.Engine, name string, check func(engine.State) error) (bool, error) {
	happened, end := on.Watch(name)
	defer end()
	for {
		state, err := on.State(name)
		if err != nil || state == engine.ShutOff || state == engine.Crashed {
			return err == nil, err
		}
		if err := check(state); err != nil {
			return false, err
		}
		select {
		case <-ctx.Done():
			return false, nil
		case <-happened:
		}
	}
}
