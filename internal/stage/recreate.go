package stage

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sync/errgroup"

	"coreos-libvirt/internal/artifact"
	"coreos-libvirt/internal/cluster"
	"coreos-libvirt/internal/hint"
	"coreos-libvirt/internal/image"
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
// not run. What can go wrong with the new one shows before the old one goes: its disk is made, and libvirt has seen
// its definition.
func (r *Run) makeAnew(ctx context.Context, step *cluster.Step) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	tmpl, err := r.domainTemplate()
	if err != nil {
		return err
	}
	node := r.nodes[step.Node.Number-1]
	anew, err := r.planAnew(node, tmpl)
	if err != nil {
		return err
	}
	if err := image.CheckOverlay(ctx, r.base.Path, r.Disk); err != nil {
		return err
	}
	prepared, err := image.PrepareOverlay(ctx, anew.Node.Overlay(), r.base.Path, r.Disk)
	if err != nil {
		return err
	}
	if err := r.tryDefinition(node, tmpl); err != nil {
		return errors.Join(err, os.Remove(prepared))
	}
	if err := errors.Join(r.removeDomain(anew.Node), r.access(r.Prefix).Forget(anew.Node.Name)); err != nil {
		return errors.Join(err, os.Remove(prepared))
	}
	*step = anew
	if err := r.create(anew, prepared); err != nil {
		return errors.Join(err, r.undo(anew))
	}
	r.log.Say("%s: made anew", step.Node.Name)
	return nil
}

// planAnew is the step of a node of which there is nothing.
func (r *Run) planAnew(node rendered, tmpl string) (cluster.Step, error) {
	want := r.want(node)
	text, err := cluster.Define(tmpl, r.hardware(r.conn, node.Node, r.base), &want)
	step := cluster.Plan(node.Node, want, cluster.Found{})
	step.XML = text
	return step, err
}

// tryDefinition lets libvirt have the definition for the domain that there is, which goes on as it was started: what
// libvirt refuses does no harm yet. The metadata stay those of the old disk, should this run end here.
func (r *Run) tryDefinition(node rendered, tmpl string) error {
	have, defined := r.seen[node.Name]
	if !defined || have.Metadata == nil {
		return nil
	}
	want := *have.Metadata
	text, err := cluster.Define(tmpl, r.hardware(r.conn, node.Node, r.base), &want)
	if err != nil {
		return err
	}
	made, err := r.conn.Define(text)
	if err != nil {
		return err
	}
	return artifact.Write(node.Defined(), []byte(made), 0o600)
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
