package command

import (
	"context"
	"os"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/session"
)

// SSH logs in to node=, or runs cmd= there, through the system's ssh. The node itself, asked on its
// virtio channel, gives its address and host keys. A session.ExitStatus is ssh's own. With all=true, or with prefix= and cmd=,
// it runs the command on several nodes at once.
func SSH(ctx context.Context, r *Run) error {
	if isSeveral(r) && (r.All || r.Cmd != "") {
		return sshToSeveral(ctx, r)
	}
	node, err := chosenNode(r, "ssh")
	if err != nil {
		return err
	}
	if err := standsStill(r.Settings, node); err != nil {
		return err
	}
	access, address, err := r.reach().Way(ctx, node)
	if err != nil {
		return err
	}
	cmd := access.Command(ctx, r.User, node.Name, address, r.Cmd)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return session.InPlace(cmd)
}

// isSeveral reports whether the user asks for all nodes of a cluster, or of the workspace, and not for one of them.
func isSeveral(r *Run) bool { return r.All || r.Node == "" && chosen(r).prefix != "" }

// standsStill is an error if the node does not run: nobody has to wait to hear that it does not answer.
func standsStill(s *settings.Settings, d engine.Domain) error {
	does := "boots it"
	switch d.State {
	case engine.Running:
		return nil
	case engine.Paused:
		does = "lets it go on"
	}
	return hint.Errorf("`"+asCalled(s, "start", "node="+d.Name)+"` "+does, "%s is %s", d.Name, d.Described())
}
