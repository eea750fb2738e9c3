package apply

import (
	"fmt"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// noteAutostart notes whether the engine starts the node by itself when its host boots: it forgets that with the domain. Of a
// domain that is gone, or that somebody has undefined while it runs, what was noted before counts.
func (a Applier) noteAutostart(node workspace.Node) error {
	on, can := engine.As[engine.Autostarter](a.Engine)
	if d, defined := a.Before[node.Name]; !can || !defined || d.Transient {
		return nil
	}
	starts, err := on.Autostart(node.Name)
	if err != nil {
		return fmt.Errorf("the engine does not say whether it starts with the host: %w", err)
	}
	return node.NoteAutostart(starts)
}

// Define defines a domain of the node, which is started when the host boots if the one before was.
func Define(on engine.Engine, node workspace.Node, text string) (made string, err error) {
	if made, err = on.Define(text); err != nil || !workspace.Exists(node.Autostart()) {
		return made, err
	}
	if starter, can := engine.As[engine.Autostarter](on); can {
		err = starter.SetAutostart(node.Name)
	}
	if err != nil {
		err = hint.Errorf("virsh autostart "+node.Name, "it was started with the host, and the engine does not do that again: %w", err)
	}
	return made, err
}
