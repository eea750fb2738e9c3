package stage

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"coreos-libvirt/internal/cluster"
	"coreos-libvirt/internal/hint"
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
	if r.token != nil && r.Recreate != "all" {
		return hint.Errorf("without parallel=true etcd's members are replaced one after the other; recreate=all makes a new cluster",
			"parallel=true: etcd would lose its quorum and its data")
	}
	var all errgroup.Group
	for i := range r.steps {
		step := &r.steps[i]
		if step.Action != cluster.Recreate {
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

// makeAnew removes the node and defines it again, from what it is wanted to be now: a new one, which does
// not run.
func (r *Run) makeAnew(ctx context.Context, step *cluster.Step) error {
	if err := errors.Join(r.conn.Remove(step.Node.Name), r.access(r.Prefix).Forget(step.Node.Name)); err != nil {
		return err
	}
	tmpl, err := r.domainTemplate()
	if err != nil {
		return err
	}
	if *step, err = r.planNode(ctx, r.nodes[step.Node.Number-1], tmpl, nil); err != nil {
		return err
	}
	if err := r.define(ctx, *step); err != nil {
		return errors.Join(err, r.undo(*step))
	}
	r.log.Say("%s: made anew", step.Node.Name)
	return nil
}

// recreateInTurn makes nodes anew one after the other, each ready, and etcd healthy where it runs, before
// the next. nodes are all of the cluster; of those that are to be made anew nothing is known yet.
func (r *Run) recreateInTurn(ctx context.Context, nodes []booted) error {
	for i := range nodes {
		if nodes[i].step.Action != cluster.Recreate {
			continue
		}
		one := r.anew
		if r.token != nil {
			one = r.replace
		}
		if err := one(ctx, nodes, i); err != nil {
			return fmt.Errorf("%s: %w", nodes[i].step.Node.Name, err)
		}
	}
	return nil
}

// anew makes the node anew and boots it.
func (r *Run) anew(ctx context.Context, nodes []booted, i int) error {
	if err := r.makeAnew(ctx, &nodes[i].step); err != nil {
		return err
	}
	nodes[i] = r.boot(ctx, nodes[i].step)
	if err := errors.Join(nodes[i].err, r.trust(nodes)); err != nil {
		return err
	}
	return r.certify(ctx, nodes[i])
}
