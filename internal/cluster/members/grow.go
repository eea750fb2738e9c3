package members

import (
	"context"
	"fmt"
	"slices"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/workspace"
)

// grow makes members of the nodes that are none, one after the other, as etcd wants it: each is a learner first, which
// gets its vote when it has caught up (https://etcd.io/docs/v3.6/op-guide/runtime-configuration/). It ends what an
// interrupted run began. status is of the nodes, in their order; nodes that are recreated for it are put into nodes.
func (c Cluster) grow(ctx context.Context, nodes []boot.Node, status etcd.Status) (etcd.Status, error) {
	if len(status.Healthy()) == 0 || haveVotes(status.Members[:len(nodes)]) {
		return status, nil
	}
	voters := c.voters(Endpoints(status.Healthy()))
	for i := range nodes {
		var err error
		if nodes[i], err = c.becomeMember(ctx, nodes[i], voters); err != nil {
			return status, fmt.Errorf("%s: %w", nodes[i].Step.Node.Name, err)
		}
	}
	return c.awaitAll(ctx, nodes, len(voters.endpoints))
}

func haveVotes(members []etcd.Member) bool {
	return !slices.ContainsFunc(members, func(m etcd.Member) bool { return !m.Healthy || m.Learner })
}

// becomeMember makes the node a member with a vote. A node that has been in use is not recreated for that: what is on it is
// the user's.
func (c Cluster) becomeMember(ctx context.Context, n boot.Node, voters voters) (boot.Node, error) {
	peers, err := voters.peers(ctx)
	if err != nil {
		return n, err
	}
	node, address := n.Step.Node, n.Address()
	peer, known := peers.Of(node.Name, address)
	switch {
	case known && peer.Name != "" && !peer.Learner:
		return n, nil
	case known && (peer.Name != "" || wasToJoin(node) && voters.starts(ctx, address)):
		return n, c.promote(ctx, n, voters, address)
	case !workspace.Exists(node.Fresh()):
		c.Log.Say("%s: its etcd is not a member of the cluster (the node's address is %s); `mage up prefix=%s recreate=%s` recreates it as one", node.Name, address, c.Options.Prefix, node.Name)
		return n, nil
	}
	place, err := c.prepare(ctx, node, address, voters)
	if err != nil {
		return n, err
	}
	return c.join(ctx, n, place, voters)
}

// prepare makes sure of all that the node needs to join at the address, and that all members are healthy.
func (c Cluster) prepare(ctx context.Context, node workspace.Node, address string, voters voters) (place, error) {
	if err := c.Documents.checkJoins(node); err != nil {
		return place{}, err
	}
	status, err := voters.waitHealthy(ctx)
	if err != nil {
		return place{}, err
	}
	return c.placeAmong(status.Peers, node, node.Name, address)
}

// wasToJoin reports whether an interrupted run has recreated the node as one that joins.
func wasToJoin(node workspace.Node) bool { return workspace.Exists(node.EtcdFlags()) }

// promote gives the learner at the address, which is on the node, its vote, as soon as it has caught up.
func (c Cluster) promote(ctx context.Context, node boot.Node, voters voters, address string) error {
	limited, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	refused, err := voters.promote(limited, address)
	if refused != nil {
		return c.SSH.withJournals(ctx, fmt.Errorf("etcd gives the member no vote: %w", refused), node)
	}
	return err
}
