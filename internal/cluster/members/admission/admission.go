// Package admission is learners that are added to an etcd before the nodes boot that they are for.
package admission

import (
	"context"
	"fmt"
	"slices"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/members/voters"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/workspace"
)

// Admitted is a learner that was added before its node boots. The zero value is none.
type Admitted struct {
	Node    workspace.Node
	Address string
	by      voters.Voters
}

// Joiners are the nodes that this run boots for the first time, and that were made to join etcd with that.
func Joiners(steps []plan.Step) (nodes []workspace.Node) {
	for _, step := range steps {
		if step.Starts() && step.Want.IsMember() && workspace.Exists(step.Node.Fresh()) && workspace.Exists(step.Node.EtcdFlags()) {
			nodes = append(nodes, step.Node)
		}
	}
	return nodes
}

// First adds the first of the nodes that fits the members that there are, unless a run before has done that: etcd takes one learner at a
// time.
func First(ctx context.Context, nodes []workspace.Node, by voters.Voters) (a Admitted, err error) {
	peers, err := by.Peers(ctx)
	if err != nil {
		return a, err
	}
	for _, node := range nodes {
		address := generation.JoinsAt(node)
		if peer, known := peers.Of(node.Name, address); known && peer.Name == "" && generation.FitsAmong(peers.Without(peer), node) {
			return Admitted{node, address, by}, nil
		}
	}
	if peers, err = by.ClearLearners(ctx); err != nil || len(peers.Voters()) < len(peers) {
		return a, err
	}
	for _, node := range nodes {
		if generation.FitsAmong(peers, node) {
			return Admitted{node, generation.JoinsAt(node), by}, Add(ctx, node, peers, by)
		}
	}
	return a, nil
}

// Add adds the node's member to these, where it was made to join. It has no vote yet.
func Add(ctx context.Context, node workspace.Node, peers etcd.Peers, by voters.Voters) error {
	url, err := peers.URLAt(generation.JoinsAt(node))
	if err != nil {
		return err
	}
	by.Say("%s: joins etcd as a learner", node.Name)
	return by.Client.Add(ctx, by.Endpoints, url)
}

// Came takes the member out again if its node has not come, or is elsewhere: the cluster is then as it was.
func (a Admitted) Came(nodes []boot.Node) error {
	at := slices.IndexFunc(nodes, func(n boot.Node) bool { return n.Step.Node.Name == a.Node.Name })
	if a.Address == "" || at >= 0 && nodes[at].Err == nil && nodes[at].Address() == a.Address {
		return nil
	}
	peers, err := a.by.Remove(a.Address)
	if err != nil {
		return fmt.Errorf("%s: its member cannot be taken out of etcd again: %w", a.Node.Name, err)
	}
	where := "is not there"
	if at >= 0 && nodes[at].Err == nil {
		where = "is at " + nodes[at].Address()
	}
	a.by.Say("%s: was expected at %s and %s: its member was taken out of etcd again, which has %d members", a.Node.Name, a.Address, where, len(peers))
	return nil
}
