package command

import (
	"context"
	"errors"
	"os"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/image"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
)

// begun is what this run has made for a node so far.
type begun struct{ files, overlay, domain bool }

// begun is what this run has made for the node; none else asks for that node at the time.
func (r *Run) begun(node string) *begun {
	of, _ := r.made.LoadOrStore(node, &begun{})
	return of.(*begun)
}

// define takes the step as far as the domain's definition.
func (r *Run) define(ctx context.Context, step plan.Step) error {
	switch step.Action {
	case plan.Recreate:
		return nil
	case plan.Keep:
		return r.keep(step)
	case plan.Redefine:
		return r.redefine(step)
	}
	r.times.Reach(step.Node.Name, "overlay")
	prepared, err := image.PrepareOverlay(ctx, step.Node.Overlay(), r.base.Path, step.Want.Disk)
	if err != nil {
		return err
	}
	return r.create(step, prepared)
}

// create makes the node of an overlay that is prepared. The definition is written first: it tells whose the overlay is.
func (r *Run) create(step plan.Step, prepared string) error {
	defer func() { _ = os.Remove(prepared) }()
	made := r.begun(step.Node.Name)
	made.files = true
	if err := errors.Join(os.Chmod(step.Node.Dir, 0o755), os.WriteFile(step.Node.Fresh(), nil, 0o600), r.writeXML(step)); err != nil {
		return err
	}
	if err := errors.Join(workspace.Forget(step.Node.Defined()), os.Rename(prepared, step.Node.Overlay())); err != nil {
		return err
	}
	made.overlay = true
	if err := workspace.Forget(step.Node.Leaving()); err != nil {
		return err
	}
	return r.defineDomain(step)
}

// keep leaves the node as it is. What is kept of its definition is made up for, where a run before did not come to it.
func (r *Run) keep(step plan.Step) error {
	if err := workspace.Forget(step.Node.Leaving()); err != nil || step.Found == "" {
		return err
	}
	return artifact.Write(step.Node.Defined(), []byte(step.Found), 0o600)
}

// redefine changes the domain, and what of that a running one can take in it, too.
func (r *Run) redefine(step plan.Step) error {
	if err := errors.Join(workspace.Forget(step.Node.Leaving()), r.writeXML(step)); err != nil {
		return err
	}
	if err := r.defineDomain(step); err != nil {
		return err
	}
	return r.plug(step)
}

// writeXML keeps the definition. It may have a password of the user's own.
func (r *Run) writeXML(step plan.Step) error {
	return artifact.Write(step.Node.XML(), []byte(step.XML), 0o600)
}

// defineDomain defines the domain and at once keeps what libvirt made of it, by which is seen what others change.
func (r *Run) defineDomain(step plan.Step) error {
	r.times.Reach(step.Node.Name, "define")
	made, err := r.conn.Define(step.XML)
	if err != nil {
		return err
	}
	r.begun(step.Node.Name).domain = true
	return artifact.Write(step.Node.Defined(), []byte(made), 0o600)
}

// undo takes back what this run has made for a node that it cannot start, and nothing else. The console log stays.
func (r *Run) undo(step plan.Step) error {
	made := r.begun(step.Node.Name)
	_, before := r.seen[step.Node.Name]
	if step.Action != plan.Create && (step.Action != plan.Redefine || before) {
		return nil
	}
	if made.domain {
		if err := r.conn.Remove(step.Node.UUID, r.Workspace); err != nil {
			return err
		}
	}
	paths := []string{}
	if made.overlay {
		paths = append(paths, step.Node.Overlay())
	}
	if made.files {
		paths = append(paths, step.Node.XML(), step.Node.Defined(), step.Node.Fresh())
	}
	for _, path := range paths {
		_ = os.Remove(path) // where it is not there, or not a file, this run has not made it
	}
	r.made.Delete(step.Node.Name)
	r.log.Say("%s: taken back", step.Node.Name)
	return nil
}

// removeDomain removes the node's domain. The mark comes first: where this run ends before the disk has gone, too, the
// next one knows that it may go.
func (r *Run) removeDomain(node workspace.Node) error {
	if err := node.MarkLeaving(); err != nil {
		return err
	}
	return r.conn.Remove(node.UUID, r.Workspace)
}
