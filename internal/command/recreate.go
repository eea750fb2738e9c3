package command

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sync/errgroup"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/image"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
)

// together tells whether nodes are made anew all at once. Of an etcd that lives they never are.
func (r *Run) together() bool {
	if r.generation.Token == nil || r.newCluster {
		return r.Parallel || r.all() || r.newCluster
	}
	return r.allAtOnce
}

// recreateTogether removes all nodes that are to be made anew, and defines them: Up then boots them with
// the others.
func (r *Run) recreateTogether(ctx context.Context) error {
	if !r.together() {
		return nil
	}
	if r.newCluster {
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
	for _, step := range taking(r.steps, plan.Recreate) {
		if err := r.tryDefinition(r.documents[step.Node.Number-1], tmpl); err != nil {
			return fmt.Errorf("%s: %w", step.Node.Name, err)
		}
	}
	return ctx.Err()
}

// removeGeneration removes all domains of the cluster, with their disks. Those that this run has just defined
// have not been booted, and stay.
func (r *Run) removeGeneration() error {
	var all errgroup.Group
	steps := append(taking(r.steps, plan.Recreate), taking(r.surplus(), plan.Remove)...)
	for _, step := range steps {
		all.Go(func() error {
			if err := r.removeDomain(step.Node); err != nil {
				return fmt.Errorf("%s: %w", step.Node.Name, err)
			}
			if step.Action == plan.Remove {
				r.log.Say("%s: removed", step.Node.Name)
				return step.Node.RemoveFiles()
			}
			return workspace.Forget(step.Node.Overlay())
		})
	}
	err := all.Wait()
	for _, step := range steps {
		delete(r.seen, step.Node.Name)
	}
	return err
}

// makeAnew removes the node and defines it again, from what it is wanted to be now: a new one, which does
// not run. What can go wrong with the new one shows before the old one goes: its disk is made, and libvirt has seen
// its definition.
func (r *Run) makeAnew(ctx context.Context, step *plan.Step) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	tmpl, err := r.domainTemplate()
	if err != nil {
		return err
	}
	node := r.documents[step.Node.Number-1]
	anew, err := r.planAnew(ctx, node, tmpl)
	if err != nil {
		return err
	}
	prepared, err := image.PrepareOverlay(ctx, anew.Node.Overlay(), r.base.Path, anew.Want.Disk)
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
func (r *Run) planAnew(ctx context.Context, node config.Document, tmpl string) (plan.Step, error) {
	return r.stepAnew(ctx, node, tmpl, plan.Found{})
}

// tryDefinition lets libvirt have the definition for the domain that there is, which goes on as it was started: what
// libvirt refuses does no harm yet. The metadata stay those of the old disk, should this run end here.
func (r *Run) tryDefinition(node config.Document, tmpl string) error {
	have, defined := r.seen[node.Name]
	if !defined || have.Metadata == nil {
		return nil
	}
	want := *have.Metadata
	text, err := libvirt.Define(tmpl, r.hardware(r.conn, node.Node, r.base), &want)
	if err != nil {
		return err
	}
	made, err := r.conn.Define(text)
	if err != nil {
		return err
	}
	return artifact.Write(node.Defined(), []byte(made), 0o600)
}
