package stage

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"coreos-libvirt/internal/cluster"
)

// together tells whether nodes are made anew all at once: all of the cluster, which is a new one then, or
// as parallel=true says.
func (r *Run) together() bool { return r.Parallel || r.Recreate == "all" }

// recreateTogether removes all nodes that are to be made anew, and defines them: Up then boots them with
// the others.
func (r *Run) recreateTogether(ctx context.Context) error {
	if !r.together() {
		return nil
	}
	var all errgroup.Group
	for i := range r.steps {
		step := &r.steps[i]
		if step.Action != cluster.Recreate {
			continue
		}
		all.Go(func() error { return r.makeAnew(ctx, step) })
	}
	return all.Wait()
}

// makeAnew removes the node and defines it again. It is a new one from then on, which does not run.
func (r *Run) makeAnew(ctx context.Context, step *cluster.Step) error {
	if err := r.conn.Remove(step.Node.Name); err != nil {
		return fmt.Errorf("%s: %w", step.Node.Name, err)
	}
	step.Action, step.Running = cluster.Create, false
	if err := r.define(ctx, *step); err != nil {
		return fmt.Errorf("%s: %w", step.Node.Name, err)
	}
	r.log.Say("%s: made anew", step.Node.Name)
	return nil
}

// recreateInTurn makes nodes anew one after the other, each ready, and etcd healthy where it runs, before
// the next. nodes are all of the cluster, those that are to be made anew as they are now.
func (r *Run) recreateInTurn(ctx context.Context, nodes []booted) ([]booted, error) {
	for i := range r.steps {
		step := &r.steps[i]
		if step.Action != cluster.Recreate {
			continue
		}
		if err := r.makeAnew(ctx, step); err != nil {
			return nodes, err
		}
		nodes[i] = r.boot(ctx, *step)
		if err := errors.Join(nodes[i].err, r.trust(nodes)); err != nil {
			return nodes, err
		}
	}
	return nodes, nil
}
