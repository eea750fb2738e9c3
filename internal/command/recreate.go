package command

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine/libvirt/domainxml"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/image/qcow2"
	"coreos-libvirt/internal/workspace"
)

// recreateTogether removes all nodes that are to be made anew, and defines them: Up then boots them with
// the others.
func (r *Run) recreateTogether(ctx context.Context) error {
	if r.plan.Way == plan.InTurn {
		return nil
	}
	if r.plan.Way == plan.NewGeneration {
		if err := r.newGeneration(ctx); err != nil {
			return err
		}
	}
	var all errgroup.Group
	for i := range r.steps {
		step := &r.steps[i]
		if step.Action != plan.Recreate {
			continue
		}
		all.Go(func() error {
			if err := r.makeAnew(ctx, step); err != nil {
				return fmt.Errorf("%s: %w", step.Node.Name, err)
			}
			return nil
		})
	}
	return all.Wait()
}

// newGeneration ends the generation that there is, and begins the next with a token of its own. What may fail does
// so before anything is removed. If it is interrupted then, the next `up` goes on, as the token says.
func (r *Run) newGeneration(ctx context.Context) error {
	o := r.generationOptions()
	next, err := generation.Next(ctx, o, r.source)
	if err := errors.Join(err, r.tryGeneration(ctx)); err != nil {
		return err
	}
	if r.generation, err = r.generation.Retired(o); err != nil {
		return err
	}
	if err := r.removeGeneration(); err != nil {
		return err
	}
	if next == nil {
		r.generation, err = generation.End(o)
		return err
	}
	if r.generation, err = generation.Begin(o, *next); err != nil {
		return err
	}
	return r.Render(ctx)
}

// tryGeneration finds what would go wrong with the new nodes while the old ones are there.
func (r *Run) tryGeneration(ctx context.Context) error {
	tmpl, err := r.domainTemplate()
	if err != nil {
		return err
	}
	if _, err := qcow2.OverlaySize(ctx, r.base.Path, r.Disk); err != nil {
		return err
	}
	for _, step := range plan.Taking(r.steps, plan.Recreate) {
		definition, err := r.newDefinition(step.Node, tmpl)
		if err == nil {
			err = r.applier().Try(step.Node, definition)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", step.Node.Name, err)
		}
	}
	return ctx.Err()
}

// newDefinition is the node's as it would be made now.
func (r *Run) newDefinition(node workspace.Node, tmpl string) (domainxml.Definition, error) {
	return domainxml.Fill(tmpl, r.hardware(r.conn, node, r.base))
}

// removeGeneration removes all domains of the cluster, with their disks. Those that this run has just defined
// have not been booted, and stay.
func (r *Run) removeGeneration() error {
	steps := append(plan.Taking(r.steps, plan.Recreate), plan.Taking(r.plan.Surplus, plan.Remove)...)
	err := r.applier().RemoveAll(steps)
	for _, step := range steps {
		delete(r.seen, step.Node.Name)
	}
	return err
}

// makeAnew removes the node and defines it again, from what it is wanted to be now.
func (r *Run) makeAnew(ctx context.Context, step *plan.Step) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	next, err := r.planAnew(ctx, r.documents[step.Node.Number-1])
	if err != nil {
		return err
	}
	if err := r.applier().Recreate(ctx, next); err != nil {
		return err
	}
	*step = next.Step
	return nil
}
