package boot

import (
	"context"
	"errors"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/progress"
)

// Stopping is how nodes are shut down.
type Stopping struct {
	Engine engine.Engine
	Grace  time.Duration // that a node has to end by itself
	Say    func(format string, args ...any)
}

// Stop shuts the node down: by ACPI, and if that does nothing by force.
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
	ended, err := AwaitEnd(graceful, s.Engine, d.Name)
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

// AwaitEnd tells whether the domain has ended before ctx does.
func AwaitEnd(ctx context.Context, on engine.Engine, name string) (bool, error) {
	happened, end := on.Watch(name)
	defer end()
	for {
		state, err := on.State(name)
		if err != nil || state == engine.ShutOff || state == engine.Crashed {
			return err == nil, err
		}
		select {
		case <-ctx.Done():
			return false, nil
		case <-happened:
		}
	}
}
