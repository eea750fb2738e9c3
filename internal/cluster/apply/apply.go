// Package apply carries out the steps of a plan on an engine: it makes disks and domains, changes and removes them, and takes
// back what it has begun.
package apply

import (
	"context"
	"errors"
	"fmt"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
	"coreos-libvirt/internal/workspace/wait"
)

// Applier carries out steps.
type Applier struct {
	Engine    engine.Engine
	Workspace workspace.Workspace
	Before    map[string]engine.Domain // all domains, as they were before this run
	Begun     *Begun                   // what this run has made
	Plugs     bool                     // whether guests use at once what is plugged into them

	Say     func(format string, args ...any)
	Reached func(node, phase string) // takes down when a node has come that far
	Forget  func(node string) error  // forgets what is known of a node that is removed
}

// Outcome is what became of steps.
type Outcome struct {
	Made   []plan.Step // that were carried out
	Failed []error     // of the others, which were left as they were
}

// Define carries out the steps as far as the domains' definitions. Nodes that are to be recreated are left to Recreate. What it
// has begun of a step that fails is taken back.
func (a Applier) Define(ctx context.Context, steps []plan.Step) (out Outcome) {
	errs := wait.On(engine.HostCount(a.Engine), len(steps), func(i int) error {
		if err := ctx.Err(); err != nil {
			return err // nothing has begun
		}
		if err := a.define(ctx, steps[i]); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", steps[i].Node.Name, err), a.Undo(ctx, steps[i]))
		}
		return nil
	})
	for i, err := range errs {
		if err != nil {
			out.Failed = append(out.Failed, err)
		} else {
			out.Made = append(out.Made, steps[i])
		}
	}
	return out
}

// define takes the step as far as the domain's definition.
func (a Applier) define(ctx context.Context, step plan.Step) error {
	if err := a.noteAutostart(step.Node); err != nil {
		return err
	}
	switch step.Action {
	case plan.Recreate:
		return nil
	case plan.Keep:
		return errors.Join(a.defineAgain(step.Node), keep(step), a.say(step), a.Engine.Disks().Sweep(step.Node.Files()))
	case plan.Redefine:
		return errors.Join(a.redefine(ctx, step), a.Engine.Disks().Sweep(step.Node.Files()))
	}
	a.Reached(step.Node.Name, "overlay")
	if err := a.Forget(step.Node.Name); err != nil { // an earlier node of its name may be gone without this project
		return err
	}
	if workspace.Exists(step.Node.Leaving()) { // an earlier run ended while the node moved
		if err := leave(a.Engine, step.Node); err != nil {
			return err
		}
	}
	prepared, err := a.prepare(ctx, step)
	if err != nil {
		return err
	}
	return a.create(step, prepared, a.begin(step))
}

// prepare makes the disk that the step wants, beside the node's own.
func (a Applier) prepare(ctx context.Context, step plan.Step) (engine.Prepared, error) {
	return a.Engine.Disks().Prepare(ctx, step.Node.Files(), step.Want.Base, step.Want.Disk, engine.DisksOf(step.Want.Disks))
}

// defineAgain gives a domain that somebody has undefined while it runs its definition back, with what somebody else changed in it.
func (a Applier) defineAgain(node workspace.Node) error {
	have := a.Before[node.Name]
	if !have.Transient {
		return nil
	}
	_, err := Define(a.Engine, node, have.XML)
	return err
}

// keep leaves the node as it is. It notes the domain's definition if an earlier run ended before it had.
func keep(step plan.Step) error {
	if err := workspace.Forget(step.Node.Leaving()); err != nil || step.Found == "" {
		return err
	}
	return artifact.Write(step.Node.Defined(), []byte(step.Found), 0o600)
}

// say notes in the mark of a node that is kept what the cluster is made with by now.
func (a Applier) say(step plan.Step) error {
	marker, can := engine.As[engine.Marker](a.Engine)
	if !step.Says || !can {
		return nil
	}
	mark := *a.Before[step.Node.Name].Metadata
	mark.Settings, mark.Said = step.Want.Settings, step.Want.Said
	made, err := marker.Mark(step.Node.Name, mark)
	if err != nil {
		return err
	}
	return artifact.Write(step.Node.Defined(), []byte(made), 0o600)
}

// redefine changes the domain, and what of that a running one can take in it, too.
func (a Applier) redefine(ctx context.Context, step plan.Step) error {
	made := a.begin(step)
	if err := a.furtherDisks(ctx, step, made); err != nil {
		return err
	}
	if err := errors.Join(workspace.Forget(step.Node.Leaving()), writeXML(step)); err != nil {
		return err
	}
	if err := a.defineDomain(step, made); err != nil {
		return err
	}
	return a.plug(step)
}
