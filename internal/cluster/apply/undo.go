package apply

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
)

// Begun is what a run has made so far, by node. Undo takes it back.
type Begun struct{ nodes sync.Map }

// begun is what was made for one node. Only one step of a node is carried out at a time.
type begun struct {
	before *engine.Domain    // the domain that there was; nil if there was none, or if it was removed
	files  map[string][]byte // what the files had that a step writes, by path; nil of a file that was not there

	disk, domain bool // whether there is a new one
}

// start is the beginning of a node of which there is nothing any more.
func (b *Begun) start(node workspace.Node) *begun {
	made := &begun{files: map[string][]byte{}}
	for _, path := range written(node) {
		made.files[path] = nil
	}
	b.nodes.Store(node.Name, made)
	return made
}

// written are the files that a step writes into the node's folder, beside its disk.
func written(node workspace.Node) []string {
	return []string{node.XML(), node.Defined(), node.Fresh(), node.MadeOf()}
}

// begin notes what there is of a node before the step changes it. What is no file this run does not write.
func (a Applier) begin(step plan.Step) *begun {
	made := a.Begun.start(step.Node)
	if before, defined := a.Before[step.Node.Name]; defined {
		made.before = &before
	}
	if made.before == nil && step.Makes() {
		return made // what a node had that is gone is of no use
	}
	for path := range made.files {
		text, err := os.ReadFile(path)
		if err == nil {
			made.files[path] = text
		} else if !errors.Is(err, fs.ErrNotExist) {
			delete(made.files, path)
		}
	}
	return made
}

// Undo takes back what this run has made for a node that it cannot start, and nothing else: a node that was defined before is
// defined as it was. The console log stays.
func (a Applier) Undo(ctx context.Context, step plan.Step) error {
	noted, any := a.Begun.nodes.Load(step.Node.Name)
	if !any || step.Action != plan.Create && step.Action != plan.Redefine {
		return nil
	}
	made := noted.(*begun)
	if err := errors.Join(a.undoDomain(step.Node, made), a.undoDisk(ctx, step.Node, made), a.undoDocument(step, made)); err != nil {
		return err
	}
	for path, text := range made.files {
		if err := putBack(path, text); err != nil {
			return err
		}
	}
	a.Begun.nodes.Delete(step.Node.Name)
	a.Say("%s: taken back", step.Node.Name)
	return nil
}

// undoDomain removes the domain, or defines it as it was.
func (a Applier) undoDomain(node workspace.Node, made *begun) error {
	switch {
	case !made.domain:
		return nil
	case made.before == nil:
		return a.Engine.Remove(node.UUID, a.Workspace.Owners(nil)...)
	}
	_, err := a.Engine.Define(made.before.XML)
	return err
}

// undoDisk removes the disk. A node that was defined before had one that no guest had written to: it gets such a one again, if
// its base image is still there.
func (a Applier) undoDisk(ctx context.Context, node workspace.Node, made *begun) error {
	if !made.disk {
		return nil
	}
	if made.before != nil && made.before.Metadata != nil {
		mark := made.before.Metadata
		disk, err := a.Engine.Disks().Prepare(context.WithoutCancel(ctx), node.Files(), mark.Base, mark.Disk)
		if err == nil {
			return disk.Place()
		}
	}
	_ = a.Engine.Disks().Remove(node.Files())
	return nil
}

// undoDocument gives a node that was defined before the document that it was made from, as it would boot by: the one of this run is
// rendered again by the next.
func (a Applier) undoDocument(step plan.Step, made *begun) error {
	document := made.files[step.Node.MadeOf()]
	if !step.Makes() || made.before == nil || document == nil {
		return nil
	}
	return a.Engine.Disks().WriteDocument(step.Node.Files(), document)
}

// putBack gives a file the text that it had; one that was not there is removed.
func putBack(path string, text []byte) error {
	if text == nil {
		_ = os.Remove(path) // what is not there, or is no file, this run has not made
		return nil
	}
	return artifact.Write(path, text, 0o600)
}
