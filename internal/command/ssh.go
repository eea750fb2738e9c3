package command

import (
	"context"
	"os"

	"coreos-libvirt/internal/workspace/session"
)

// SSH logs in to node=, or runs cmd= there, through the system's ssh. The node itself, asked on its
// virtio channel, tells its address and host keys. A session.ExitStatus is ssh's own.
func SSH(ctx context.Context, r *Run) error {
	node, err := chosenNode(r)
	if err != nil {
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
