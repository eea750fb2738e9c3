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
func (a Applier) create(step plan.Step, disk engine.Prepared, made *begun) error {
	defer func() { _ = disk.Discard() }()
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
	return a.defineDomain(step, made)
}

// writeXML keeps the definition. It may have a password of the user's own.
func writeXML(step plan.Step) error {
	return artifact.Write(step.Node.XML(), []byte(step.XML), 0o600)
}

// defineDomain defines the domain and at once keeps what the engine made of it, by which is seen what others change.
func (a Applier) defineDomain(step plan.Step, begun *begun) error {
	a.Reached(step.Node.Name, "define")
	made, err := Define(a.Engine, step.Node, step.XML)
	if err != nil {
		return err
	}
	begun.domain = true
	return artifact.Write(step.Node.Defined(), []byte(made), 0o600)
}
