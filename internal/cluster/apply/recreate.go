package apply

import (
	"context"
	"errors"
	"fmt"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
	"coreos-libvirt/internal/workspace/wait"
)

// New is what a node is recreated from: the step of one of which there is nothing, and its definition.
type New struct {
	Step       plan.Step
	Definition engine.Definition
}

// Recreate removes the node and defines it again: a new one, which does not run. What can go wrong with the new one shows
// before the old one goes: its disk is made, and the engine has seen its definition.
func (a Applier) Recreate(ctx context.Context, next New) error {
	step := next.Step
	disk, err := a.prepare(ctx, step)
	if err != nil {
		return err
	}
	if err := a.Try(step.Node, next.Definition); err != nil {
		return errors.Join(err, disk.Discard())
	}
	if err := noteMove(a.Engine, a.Before[step.Node.Name].Metadata, step); err != nil {
		return errors.Join(err, disk.Discard())
	}
	if err := a.removeDomain(step.Node); err != nil {
		return errors.Join(err, disk.Discard())
	}
	if err := leave(a.Engine, step.Node); err != nil {
		return errors.Join(err, disk.Discard())
	}
	if err := a.create(step, disk, a.Begun.start(step.Node)); err != nil {
		return errors.Join(err, a.Undo(ctx, step))
	}
	a.Say("%s: recreated", step.Node.Name)
	return nil
}

// noteMove writes the definition of a node that moves before its domain goes: it names the new host, where the next run makes the node if
// this one ends in between.
func noteMove(on engine.Engine, have *engine.Metadata, step plan.Step) error {
	if engine.HostsOf(on) == nil || have == nil || have.Libvirt == step.Want.Libvirt {
		return nil
	}
	return writeXML(step)
}

// leave removes what the node had on the host where it was, if it is made on another one.
func leave(on engine.Engine, node workspace.Node) error {
	if from, several := engine.As[engine.Leaver](on); several {
		return from.Leave(node.Files())
	}
	return nil
}

// Try lets the engine have the definition for the domain that there is, which goes on as it was started: what the engine
// refuses does no harm yet. The mark stays that of the old disk, in case this run ends here.
func (a Applier) Try(node workspace.Node, definition engine.Definition) error {
	have, defined := a.Before[node.Name]
	if !defined || have.Metadata == nil {
		return nil
	}
	text, err := definition.With(*have.Metadata)
	if err != nil {
		return err
	}
	made, err := a.Engine.Define(text)
	if err != nil {
		return err
	}
	return artifact.Write(node.Defined(), []byte(made), 0o600)
}

// Remove removes the node for good: its domain, its disk and its folder.
func (a Applier) Remove(node workspace.Node) error {
	if err := a.removeDomain(node); err != nil {
		return err
	}
	return RemoveFiles(a.Engine.Disks(), node)
}

// removeDomain removes the node's domain, and what is known of it, unless another domain uses its disk. The marks come first: if
// this run ends before the disk has gone, too, the next one knows that it may go.
func (a Applier) removeDomain(node workspace.Node) error {
	if err := workspace.Unused(a.Workspace, node, a.Before, a.Engine.Disks()); err != nil {
		return err
	}
	if err := errors.Join(node.MarkLeaving(), a.noteAutostart(node)); err != nil {
		return err
	}
	if err := a.Engine.Remove(node.UUID, a.Workspace.Owners(a.Before[node.Name].Metadata)...); err != nil {
		return err
	}
	return a.Forget(node.Name)
}

// RemoveAll removes the domains of all nodes that the steps recreate or remove, with their disks.
func (a Applier) RemoveAll(steps []plan.Step) error {
	return errors.Join(wait.On(engine.HostCount(a.Engine), len(steps), func(i int) error {
		step := steps[i]
		if err := a.removeDomain(step.Node); err != nil {
			return fmt.Errorf("%s: %w", step.Node.Name, err)
		}
		if step.Action == plan.Remove {
			a.Say("%s: removed", step.Node.Name)
			return RemoveFiles(a.Engine.Disks(), step.Node)
		}
		return a.Engine.Disks().Remove(step.Node.Files())
	})...)
}

// RemoveFiles removes what the engine has of a node that has no domain any more, and its folder.
func RemoveFiles(disks engine.Disks, node workspace.Node) error {
	if err := disks.Clear(node.Files()); err != nil {
		return fmt.Errorf("cannot remove what was generated: %w", err)
	}
	return node.RemoveFiles()
}
