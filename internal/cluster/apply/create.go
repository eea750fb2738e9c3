package apply

import (
	"errors"
	"os"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
)

// create makes the node of a disk that is prepared. The definition is written first: it says whose the disk is.
func (a Applier) create(step plan.Step, disk engine.Prepared) error {
	defer func() { _ = disk.Discard() }()
	made := a.Begun.of(step.Node.Name)
	made.files = true
	document, err := step.Node.Begin()
	if err := errors.Join(os.Chmod(step.Node.Dir, 0o755), err, writeXML(step)); err != nil {
		return err
	}
	if document != nil {
		if err := a.Engine.Disks().WriteDocument(step.Node.Files(), document); err != nil {
			return err
		}
	}
	if err := errors.Join(workspace.Forget(step.Node.Defined()), disk.Place()); err != nil {
		return err
	}
	made.disk = true
	if err := workspace.Forget(step.Node.Leaving()); err != nil {
		return err
	}
	return a.defineDomain(step)
}

// writeXML keeps the definition. It may have a password of the user's own.
func writeXML(step plan.Step) error {
	return artifact.Write(step.Node.XML(), []byte(step.XML), 0o600)
}

// defineDomain defines the domain and at once keeps what the engine made of it, by which is seen what others change.
func (a Applier) defineDomain(step plan.Step) error {
	a.Reached(step.Node.Name, "define")
	made, err := a.Engine.Define(step.XML)
	if err != nil {
		return err
	}
	a.Begun.of(step.Node.Name).domain = true
	return artifact.Write(step.Node.Defined(), []byte(made), 0o600)
}

// Undo takes back what this run has made for a node that it cannot start, and nothing else. The console log stays.
func (a Applier) Undo(step plan.Step) error {
	made := a.Begun.of(step.Node.Name)
	_, before := a.Before[step.Node.Name]
	if step.Action != plan.Create && (step.Action != plan.Redefine || before) {
		return nil
	}
	if made.domain {
		if err := a.Engine.Remove(step.Node.UUID, a.Workspace.Owners(nil)...); err != nil {
			return err
		}
	}
	if made.disk {
		_ = a.Engine.Disks().Remove(step.Node.Files())
	}
	if made.files {
		for _, path := range []string{step.Node.XML(), step.Node.Defined(), step.Node.Fresh(), step.Node.MadeOf()} {
			_ = os.Remove(path) // what is not there, or is no file, this run has not made
		}
	}
	a.Begun.nodes.Delete(step.Node.Name)
	a.Say("%s: taken back", step.Node.Name)
	return nil
}
