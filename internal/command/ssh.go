package command

import (
	"context"
	"os"
	"strings"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/session"
)

// SSH logs in to node=, or runs cmd= there, through the system's ssh. The node itself, asked on its
// virtio channel, tells its address and host keys. A session.ExitStatus is ssh's own.
func (r *Run) SSH(ctx context.Context) error {
	node, err := r.chosen()
	if err != nil {
		return err
	}
	report, err := r.reach().Whereabouts(ctx, node, r.Ready)
	if err != nil {
		return err
	}
	access := r.access(node.Metadata.Cluster)
	if err := access.Trust(map[string]guest.Report{node.Name: report}); err != nil {
		return err
	}
	cmd := access.Command(ctx, r.User, node.Name, report.Address(workspace.MAC(node.Name)), r.Cmd)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return session.InPlace(cmd)
}

// chosen is the node that node= names, of whatever cluster of this workspace; where there is only
// one node, it needs no name.
func (r *Run) chosen() (engine.Domain, error) {
	domains, err := r.domains()
	if err != nil {
		return engine.Domain{}, err
	}
	ours := engine.Members(domains, r.Workspace, "")
	names := []string{}
	for _, d := range ours {
		if d.Name == r.Node || len(ours) == 1 && r.Node == "" {
			return d, nil
		}
		names = append(names, d.Name)
	}
	if len(names) == 0 {
		return engine.Domain{}, hint.Errorf("`mage up` makes some", "this workspace has no nodes")
	}
	return engine.Domain{}, hint.Errorf("nodes are "+strings.Join(names, ", "), "node=%s is no node of this workspace", r.Node)
}
