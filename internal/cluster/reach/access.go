package reach

import (
	"context"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/workspace"
)

// Access is the way into the nodes of the cluster prefix by ssh. The first host key is believed of nodes that cannot report
// theirs.
func (n Nodes) Access(prefix string) guest.Access {
	return guest.Access{Dir: n.SSH(prefix), New: !n.Ready}
}

// Way is the way into one node by ssh, and the address at which it is now. The host keys that the node reports are the ones
// that ssh accepts from then on.
func (n Nodes) Way(ctx context.Context, node engine.Domain) (access guest.Access, address string, err error) {
	report, err := n.Whereabouts(ctx, node)
	if err != nil {
		return access, "", err
	}
	access = n.Access(node.Metadata.Cluster)
	return access, report.Address(workspace.MAC(node.Name)), access.Trust(map[string]guest.Report{node.Name: report})
}
