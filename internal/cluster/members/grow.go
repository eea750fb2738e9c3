package members

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/members/admission"
	"coreos-libvirt/internal/cluster/members/voters"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/cluster/timeline"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/workspace"
)

// grow makes members of the nodes that are none, one after the other, as etcd wants it: each is a learner first, which
// gets its vote when it has caught up (https://etcd.io/docs/v3.6/op-guide/runtime-configuration/). It ends what an
// interrupted run began. status is of the nodes, in their order; nodes that are recreated for it are put into nodes.
func (c Cluster) grow(ctx context.Context, nodes []boot.Node, status etcd.Status) (etcd.Status, error) {
	if len(status.Healthy()) == 0 || haveVotes(status.Members[:len(nodes)]) {
		return status, nil
	}
	by := c.voters(Endpoints(status.Healthy()))
	for _, i := range turnToJoin(nodes) {
		var err error
		if nodes[i], err = c.becomeMember(ctx, nodes[i], by); err != nil {
			return status, fmt.Errorf("%s: %w", nodes[i].Step.Node.Name, err)
		}
	}
	return c.awaitAll(ctx, nodes, len(by.Endpoints))
}

// turnToJoin are the indexes of the nodes in the order in which they become members: first those that were made to join with their
// first boot, as the members that there are were worked out for them.
func turnToJoin(nodes []boot.Node) (turn []int) {
	for i := range nodes {
		turn = append(turn, i)
	}
	slices.SortStableFunc(turn, func(a, b int) int { return later(nodes[a]) - later(nodes[b]) })
	return turn
}

func later(n boot.Node) int {
	if wasToJoin(n.Step.Node) {
		return 0
	}
	return 1
}

func haveVotes(members []etcd.Member) bool {
	return !slices.ContainsFunc(members, func(m etcd.Member) bool { return !m.Healthy || m.Learner })
}

// becomeMember makes the node a member with a vote. A node that has been in use is not recreated for that: what is on it is
// the user's.
func (c Cluster) becomeMember(ctx context.Context, n boot.Node, by voters.Voters) (boot.Node, error) {
	peers, err := by.Peers(ctx)
	if err != nil {
		return n, err
	}
	node, address := n.Step.Node, n.Address()
	peer, known := peers.Of(node.Name, address)
	switch {
	case known && peer.Name != "" && !peer.Learner:
		return n, nil
	case known && admittedNow(peer, n.Step): // it was added before this first boot of the node
		return n, promoteNew(ctx, c, n, by)
	case known && (peer.Name != "" || wasToJoin(node) && by.Starts(ctx, address)):
		return n, c.promote(ctx, n, by, address)
	case !workspace.Exists(node.Fresh()):
		c.Log.Say("%s: its etcd is not a member of the cluster (the node's address is %s); `mage up prefix=%s recreate=%s` recreates it as one", node.Name, address, c.Options.Prefix, node.Name)
		return n, nil
	}
	return joinInTurn(ctx, c, n, by)
}

// joinInTurn makes a member of a node that is none: as it has booted, or else it is recreated to join.
func joinInTurn(ctx context.Context, c Cluster, n boot.Node, by voters.Voters) (boot.Node, error) {
	place, err := c.prepare(ctx, n.Step.Node, n.Address(), by)
	if err != nil {
		return n, err
	}
	if joined, err := joinAsBooted(ctx, c, n, by); joined || err != nil {
		return n, err
	}
	return c.join(ctx, n, place, by)
}

// admittedNow reports whether the node's member was added for its first boot, in this run, and has not started.
func admittedNow(peer etcd.Peer, step plan.Step) bool {
	return peer.Name == "" && isNew(step) && wasToJoin(step.Node)
}

// joinAsBooted makes a member of a node that has booted with what it needs to join: its etcd waits to be added. It reports whether that
// has worked; else the cluster is as it was.
func joinAsBooted(ctx context.Context, c Cluster, n boot.Node, by voters.Voters) (joined bool, err error) {
	node, address := n.Step.Node, n.Address()
	if generation.JoinsAt(node) != address {
		return false, nil
	}
	peers, err := by.ClearLearners(ctx)
	if err != nil || !generation.FitsAmong(peers, node) {
		return false, err
	}
	c.Times.Reach(node.Name, timeline.Joins)
	if err := admission.Add(ctx, node, peers, by); err != nil {
		return false, err
	}
	if by.Starts(ctx, address) {
		return true, promoteNew(ctx, c, n, by)
	}
	c.Log.Say("%s: its etcd has not started since it was added: the node is recreated to join", node.Name)
	_, err = by.Remove(address)
	return false, errors.Join(err, context.Cause(ctx))
}

// promoteNew gives the learner on the node its vote. If that fails, it is taken out again.
func promoteNew(ctx context.Context, c Cluster, n boot.Node, by voters.Voters) error {
	err := c.promote(ctx, n, by, n.Address())
	if err != nil {
		err = by.TakeOut(n.Address(), err)
	}
	return err
}

// prepare makes sure of all that the node needs to join at the address, and that all members are healthy.
func (c Cluster) prepare(ctx context.Context, node workspace.Node, address string, by voters.Voters) (place, error) {
	if err := c.Documents.checkJoins(node); err != nil {
		return place{}, err
	}
	status, err := by.WaitHealthy(ctx)
	if err != nil {
		return place{}, err
	}
	return c.placeAmong(status.Peers, node, node.Name, address)
}

// wasToJoin reports whether an interrupted run has recreated the node as one that joins.
func wasToJoin(node workspace.Node) bool { return workspace.Exists(node.EtcdFlags()) }

// promote gives the learner at the address, which is on the node, its vote, as soon as it has caught up.
func (c Cluster) promote(ctx context.Context, node boot.Node, by voters.Voters, address string) error {
	limited, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	refused, err := by.Promote(limited, address)
	if refused != nil {
		return c.SSH.withJournals(ctx, fmt.Errorf("etcd gives the member no vote: %w", refused), node)
	}
	return err
}
