package moment

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace/wait"
)

// Engine is what snapshots need of an engine.
type Engine interface {
	engine.Snapshots
	Define(text string) (made string, err error)
	Start(domain string) error
}

// Take makes a snapshot of all nodes at one moment: those that run are paused together, and go on when all have theirs. If one
// fails, those that were made are removed. noteOf is what is noted in a node's.
func Take(ctx context.Context, on Engine, name string, noteOf func(engine.Domain) Note, nodes []engine.Domain) error {
	paused, err := pause(on, nodes)
	if err == nil {
		err = takeAll(ctx, on, name, noteOf, nodes)
	}
	return errors.Join(err, letGo(on, paused))
}

// pause pauses all nodes that run, at once, and gives those.
func pause(on Engine, nodes []engine.Domain) (paused []engine.Domain, err error) {
	paused = slices.DeleteFunc(slices.Clone(nodes), func(d engine.Domain) bool { return d.State != engine.Running })
	return paused, each(paused, func(d engine.Domain) error { return on.Pause(d.Name) })
}

func letGo(on Engine, paused []engine.Domain) error {
	return each(paused, func(d engine.Domain) error { return on.Start(d.Name) })
}

func takeAll(ctx context.Context, on Engine, name string, noteOf func(engine.Domain) Note, nodes []engine.Domain) error {
	err := each(nodes, func(d engine.Domain) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return on.TakeSnapshot(d.Name, name, noteOf(d).String())
	})
	if err == nil {
		return nil
	}
	return errors.Join(err, each(nodes, func(d engine.Domain) error { return on.RemoveSnapshot(d.Name, name, noteOf(d).String()) }))
}

// Remove removes the snapshot from all nodes that have it.
func Remove(on engine.Snapshots, m Snapshot) error {
	return errors.Join(wait.Each(len(m.Nodes), func(i int) error {
		node := m.Nodes[i]
		if err := on.RemoveSnapshot(node, m.Name, m.of[node].Note); err != nil {
			return fmt.Errorf("%s: %w", node, err)
		}
		return nil
	})...)
}

// each does something for all nodes at once, and gives the errors with their names.
func each(nodes []engine.Domain, do func(engine.Domain) error) error {
	return errors.Join(wait.AtOnce(len(nodes), func(i int) error {
		if err := do(nodes[i]); err != nil {
			return fmt.Errorf("%s: %w", nodes[i].Name, err)
		}
		return nil
	})...)
}
