package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/workspace/wait"
)

// recreateTogether removes all nodes that are to be recreated, and defines them: Up then boots them with the others. It gives
// what there is then.
func recreateTogether(ctx context.Context, r *Run, d defined) (defined, error) {
	if d.plan.Way == plan.InTurn {
		return d, nil
	}
	if d.plan.Way == plan.NewGeneration {
		var err error
		if d, err = newGeneration(ctx, r, d); err != nil {
			return d, err
		}
	}
	steps := slices.Clone(d.steps)
	errs := wait.On(engine.HostCount(r.conn), len(steps), func(i int) (err error) {
		if steps[i].Action != plan.Recreate {
			return nil
		}
		if steps[i], err = recreate(ctx, d, steps[i]); err != nil {
			return fmt.Errorf("%s: %w", steps[i].Node.Name, err)
		}
		return nil
	})
	d.steps = steps
	return d, errors.Join(errs...)
}

// newGeneration ends the generation that there is, and begins the next with a token of its own. What may fail does
// so before anything is removed. If it is interrupted then, the next `up` goes on, as the token says.
func newGeneration(ctx context.Context, r *Run, d defined) (defined, error) {
	o, err := generation.WithMembers(r.generationOptions(), d.source)
	if err != nil {
		return d, err
	}
	next, err := generation.Next(ctx, o, d.source)
	if err := errors.Join(err, tryGeneration(ctx, d)); err != nil {
		return d, err
	}
	if d.generation, err = d.generation.Retired(o); err != nil {
		return d, err
	}
	if d, err = removeGeneration(d); err != nil {
		return d, err
	}
	if next == nil {
		d.generation, err = generation.End(o)
		return d, err
	}
	if d.generation, err = generation.Begin(o, *next); err != nil {
		return d, err
	}
	if d.documents, err = renderAll(r, d.source, d.generation, false); err != nil {
		return d, err
	}
	return d, writeDocuments(r.ws(), d.generation, r.log.Say, d.documents...)
}

// tryGeneration finds what would go wrong with the new nodes while the old ones are there.
func tryGeneration(ctx context.Context, d defined) error {
	for _, step := range plan.Taking(d.steps, plan.Recreate) {
		recipe := d.draft.Recipes[step.Node.Name]
		if _, err := recipe.Base.OverlaySize(ctx, recipe.Machine.Disk); err != nil {
			return err
		}
		if err := d.apply.Try(step.Node, d.blueprint(step).Definition); err != nil {
			return fmt.Errorf("%s: %w", step.Node.Name, err)
		}
	}
	return ctx.Err()
}

// removeGeneration removes all domains of the cluster, with their disks. Those that this run has just defined
// have not been booted, and stay. It gives what there is then.
func removeGeneration(d defined) (defined, error) {
	steps := append(plan.Taking(d.steps, plan.Recreate), plan.Taking(d.plan.Surplus, plan.Remove)...)
	err := d.apply.RemoveAll(steps)
	d.domains = maps.Clone(d.domains)
	for _, step := range steps {
		delete(d.domains, step.Node.Name)
	}
	d.apply.Before = d.domains
	return d, err
}

// recreate removes the step's node and defines it again, from what it is wanted to be now. It gives the new node's step.
func recreate(ctx context.Context, d defined, step plan.Step) (plan.Step, error) {
	if err := ctx.Err(); err != nil {
		return step, err
	}
	next, err := d.draft.New(ctx, d.blueprint(step))
	if err != nil {
		return step, err
	}
	if err := d.apply.Recreate(ctx, next); err != nil {
		return step, err
	}
	return next.Step, nil
}

// blueprint is what the step's node is made of.
func (p planned) blueprint(step plan.Step) plan.Blueprint {
	return p.want[slices.IndexFunc(p.want, func(b plan.Blueprint) bool { return b.Doc.Name == step.Node.Name })]
}
