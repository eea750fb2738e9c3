package command

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/image"
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
	if _, err := image.OverlaySize(ctx, r.base.Path, r.Disk); err != nil {
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
func (r *Run) newDefinition(node workspace.Node, tmpl string) (libvirt.Definition, error) {
	return libvirt.Fill(tmpl, r.hardware(r.conn, node, r.base))
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

// recreateInTurn makes nodes anew one after the other, each ready, and etcd healthy where it runs, before
// the next; first those whose members are not healthy. nodes are all of the cluster; of those that are to be
// made anew nothing is known yet.
func (r *Run) recreateInTurn(ctx context.Context, nodes []boot.Node) error {
	turn, err := r.turn(ctx, nodes)
	if err != nil {
		return err
	}
	for _, i := range turn {
		one := r.anew
		if r.generation.Token != nil {
			one = r.replace
		}
		if err := one(ctx, nodes, i); err != nil {
			return fmt.Errorf("%s: %w", nodes[i].Step.Node.Name, err)
		}
	}
	return nil
}

// turn is the order in which nodes are made anew, by their index.
func (r *Run) turn(ctx context.Context, nodes []boot.Node) ([]int, error) {
	turn := []int{}
	for i := range nodes {
		if nodes[i].Step.Action == plan.Recreate {
			turn = append(turn, i)
		}
	}
	if len(turn) < 2 || r.generation.Token == nil {
		return turn, nil
	}
	status, err := r.survey(ctx, false)
	well := func(i int) int {
		node := nodes[i].Step.Node
		peer, _ := status.Peers.Of(node.Name, r.reach().LastAddress(node.Name))
		if slices.ContainsFunc(status.Unwell(), func(m etcd.Member) bool { return m.ID == peer.ID }) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(turn, func(a, b int) int { return well(a) - well(b) })
	return turn, err
}

// anew makes the node anew and boots it.
func (r *Run) anew(ctx context.Context, nodes []boot.Node, i int) error {
	if err := r.makeAnew(ctx, &nodes[i].Step); err != nil {
		return err
	}
	nodes[i] = r.booter().One(ctx, nodes[i].Step)
	if err := errors.Join(nodes[i].Err, r.trust(nodes)); err != nil {
		return err
	}
	return r.certify(ctx, nodes[i])
}
