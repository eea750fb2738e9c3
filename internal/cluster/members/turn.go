package members

import (
	"context"
	"fmt"
	"slices"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/etcd"
)

// recreateInTurn recreates nodes one after the other, first those whose members are not healthy. Before the next one each
// is ready, and etcd healthy if the cluster has one. nodes are all of the cluster: those that are recreated are put into it.
func (c Cluster) recreateInTurn(ctx context.Context, nodes []boot.Node) error {
	turn, err := c.turn(ctx, nodes)
	if err != nil {
		return err
	}
	for _, i := range turn {
		if nodes[i], err = c.recreateNode(ctx, nodes, i); err != nil {
			return fmt.Errorf("%s: %w", nodes[i].Step.Node.Name, err)
		}
	}
	return nil
}

// recreateNode recreates the node of that index, and its member with it. A node that shall have none any more leaves etcd before.
func (c Cluster) recreateNode(ctx context.Context, nodes []boot.Node, i int) (boot.Node, error) {
	step := nodes[i].Step
	switch {
	case c.Generation.Token == nil:
		return c.recreate(ctx, nodes[i])
	case step.Want.IsMember():
		return c.replace(ctx, nodes, i)
	case c.Domains[step.Node.Name].Metadata.IsMember():
		if err := c.leave(ctx, step.Node, c.othersOf(nodes, i), stillToCome(nodes, i)); err != nil {
			return nodes[i], err
		}
	}
	return c.recreate(ctx, nodes[i])
}

// turn is the order in which nodes are recreated, by their index.
func (c Cluster) turn(ctx context.Context, nodes []boot.Node) ([]int, error) {
	turn := []int{}
	for i := range nodes {
		if nodes[i].Step.Action == plan.Recreate {
			turn = append(turn, i)
		}
	}
	if len(turn) < 2 || c.Generation.Token == nil {
		return turn, nil
	}
	status, err := c.Survey(ctx, false)
	well := func(i int) int {
		node := nodes[i].Step.Node
		peer, _ := status.Peers.Of(node.Name, c.Reach.LastAddress(node.Name))
		if slices.ContainsFunc(status.Unwell(), func(m etcd.Member) bool { return m.ID == peer.ID }) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(turn, func(a, b int) int { return well(a) - well(b) })
	return turn, err
}

// recreate recreates the node and boots it, with a certificate if etcd speaks TLS.
func (c Cluster) recreate(ctx context.Context, node boot.Node) (boot.Node, error) {
	node, err := c.recreateAndBoot(ctx, node)
	if err != nil {
		return node, err
	}
	return node, c.certify(ctx, membersOf([]boot.Node{node})...)
}
