package command

import (
	"context"
	"errors"
	"fmt"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/image/qcow2"
	"coreos-libvirt/internal/workspace/wait"
)

// recreateTogether removes all nodes that are to be recreated, and defines them: Up then boots them with
// the others.
func recreateTogether(ctx context.Context, r *Run) error {
	if r.plan.Way == plan.InTurn {
		return nil
	}
	if r.plan.Way == plan.NewGeneration {
		if err := newGeneration(ctx, r); err != nil {
			return err
		}
	}
	return errors.Join(wait.Each(len(r.steps), func(i int) error {
		step := &r.steps[i]
		if step.Action != plan.Recreate {
			return nil
		}
		if err := makeAnew(ctx, r, step); err != nil {
			return fmt.Errorf("%s: %w", step.Node.Name, err)
		}
		return nil
	})...)
}

// newGeneration ends the generation that there is, and begins the next with a token of its own. What may fail does
// so before anything is removed. If it is interrupted then, the next `up` goes on, as the token says.
func newGeneration(ctx context.Context, r *Run) error {
	o := r.generationOptions()
	next, err := generation.Next(ctx, o, r.source)
	if err := errors.Join(err, tryGeneration(ctx, r)); err != nil {
		return err
	}
	if r.generation, err = r.generation.Retired(o); err != nil {
		return err
	}
	if err := removeGeneration(r); err != nil {
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
func tryGeneration(ctx context.Context, r *Run) error {
	draft, err := drafter(r)
	if err != nil {
		return err
	}
	if _, err := qcow2.OverlaySize(ctx, r.base.Path, r.Disk); err != nil {
		return err
	}
	for _, step := range plan.Taking(r.steps, plan.Recreate) {
		b, err := draft.Draft(r.documents[step.Node.Number-1])
		if err == nil {
			err = r.applier().Try(step.Node, b.Definition)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", step.Node.Name, err)
		}
	}
	return ctx.Err()
}

// removeGeneration removes all domains of the cluster, with their disks. Those that this run has just defined
// have not been booted, and stay.
func removeGeneration(r *Run) error {
	steps := append(plan.Taking(r.steps, plan.Recreate), plan.Taking(r.plan.Surplus, plan.Remove)...)
	err := r.applier().RemoveAll(steps)
	for _, step := range steps {
		delete(r.seen, step.Node.Name)
	}
	return err
}

// makeAnew removes the node and defines it again, from what it is wanted to be now.
func makeAnew(ctx context.Context, r *Run, step *plan.Step) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	draft, err := drafter(r)
	if err != nil {
		return err
	}
	next, err := draft.New(ctx, r.documents[step.Node.Number-1])
	if err != nil {
		return err
	}
	if err := r.applier().Recreate(ctx, next); err != nil {
		return err
	}
	*step = next.Step
	return nil
}
