package members

import (
	"cmp"
	"context"
	"slices"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/members/voters"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/cluster/timeline"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
)

// leaver is a member that is to leave, and the cluster around it.
type leaver struct {
	peer   etcd.Peer     // without an id: the node is no member
	others voters.Voters // members of other nodes
	status etcd.Status
}

// replace recreates the node, and its member with it: no data are lost while the others are healthy. Before its member
// leaves, the node is marked as one that may be recreated: so the next run ends what is interrupted here.
func (c Cluster) replace(ctx context.Context, nodes []boot.Node, i int) (boot.Node, error) {
	node := nodes[i].Step.Node
	leaving, err := c.leaver(ctx, node, c.othersOf(nodes, i), stillToCome(nodes, i))
	if err != nil {
		return nodes[i], err
	}
	if err := c.Documents.checkJoins(node); err != nil {
		return nodes[i], err
	}
	peer := leaving.peer
	if peer.ID == "" || len(peer.URLs) == 0 { // grow makes it a member
		return c.recreate(ctx, nodes[i])
	}
	name := peer.Name
	if name == "" {
		name = node.Name
	}
	place, err := c.placeAmong(leaving.status.Peers.Without(peer), node, name, addressOf(c.View, node, peer))
	if err != nil {
		return nodes[i], err
	}
	if err := artifact.Write(node.Fresh(), nil, 0o644); err != nil {
		return nodes[i], err
	}
	c.Times.Reach(node.Name, timeline.Leaves)
	if err := leaving.others.RemoveMember(ctx, leaving.status, peer); err != nil {
		return nodes[i], err
	}
	c.Log.Say("%s: has left etcd", node.Name)
	return c.join(ctx, nodes[i], place, leaving.others)
}

// addressOf is where the node's member is. A peer URL may have a host's name, which the domain's records have: the node said its address.
func addressOf(v View, node workspace.Node, peer etcd.Peer) string {
	if etcd.IsAtAddress(peer.URLs[0]) {
		return etcd.HostOf(peer.URLs[0])
	}
	return cmp.Or(v.Reach.LastAddress(node.Name), etcd.HostOf(peer.URLs[0]))
}

// stillToCome are the nodes that are recreated after this one.
func stillToCome(nodes []boot.Node, but int) (later []workspace.Node) {
	for i, n := range nodes {
		if i != but && n.Step.Action == plan.Recreate {
			later = append(later, n.Step.Node)
		}
	}
	return later
}

// leaver is the node's member, if it is one. The other members must be healthy without it, except those of nodes that are
// recreated or removed later.
func (c Cluster) leaver(ctx context.Context, node workspace.Node, others []string, later []workspace.Node) (l leaver, err error) {
	l.others = c.voters(others)
	if len(others) == 0 {
		return l, hint.Errorf("recreate=all force=true makes a new cluster, without the data", "no other node has a healthy member of etcd")
	}
	if l.status, err = c.Client().Status(ctx, others, answerWithin); err != nil {
		return l, err
	}
	excused := []string{}
	for _, other := range later {
		if peer, ok := l.status.Peers.Of(other.Name, c.Reach.LastAddress(other.Name)); ok {
			excused = append(excused, peer.ID)
		}
	}
	is := false
	if l.peer, is, err = c.MemberOf(l.status.Peers, node); err != nil {
		return l, err
	}
	if is {
		excused = append(excused, l.peer.ID)
	}
	if l.status, err = l.others.WaitHealthy(ctx, excused...); err != nil {
		return l, err
	}
	if len(l.status.Peers.Without(l.peer).Voters()) == 0 {
		err = hint.Errorf("recreate=all force=true makes a new cluster, without the data", "this is etcd's only member")
	}
	return l, err
}

// MemberOf is the node's member, by its name or its last address. An error says that nobody can know which one it is.
func (v View) MemberOf(peers etcd.Peers, node workspace.Node) (peer etcd.Peer, is bool, err error) {
	last := plan.Addresses{}
	for _, d := range v.Reach.Members(v.Domains, v.Options.Prefix) {
		last[d.Name] = v.Reach.LastAddress(d.Name)
	}
	for _, node := range append(slices.Clone(v.Options.Nodes), node) { // its domain may be gone
		last[node.Name] = cmp.Or(v.Reach.LastAddress(node.Name), generation.JoinsAt(node))
	}
	return last.MemberOf(peers, node.Name)
}

// othersOf are the client URLs of the members of all nodes except one. A node whose turn is still to come is asked where it
// was last.
func (v View) othersOf(nodes []boot.Node, but int) []string {
	endpoints := []string{}
	for i, n := range nodes {
		if i == but || !n.Step.Want.IsMember() {
			continue
		}
		if n.Address() != "" {
			endpoints = append(endpoints, v.ClientURL(n.Address()))
		} else if last := v.Reach.LastAddress(n.Step.Node.Name); last != "" {
			endpoints = append(endpoints, v.ClientURL(last))
		}
	}
	return endpoints
}

// removeNode removes the node for good: its member of etcd first, then its domain and files. others are client URLs of
// members of nodes that stay, later are the nodes that are removed after it.
func (c Cluster) removeNode(ctx context.Context, step plan.Step, others []string, later []plan.Step) error {
	node := step.Node
	if step.Want.IsMember() {
		if err := c.leave(ctx, node, others, nodesOf(later)); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := c.Nodes.Remove(node); err != nil {
		return err
	}
	c.Log.Say("%s: removed", node.Name)
	return nil
}

// leave takes the node's member out of etcd, if it has one.
func (c Cluster) leave(ctx context.Context, node workspace.Node, others []string, later []workspace.Node) error {
	if c.Generation.Token == nil {
		return nil
	}
	leaving, err := c.leaver(ctx, node, others, later)
	if err != nil || leaving.peer.ID == "" {
		return err
	}
	if err := leaving.others.RemoveMember(ctx, leaving.status, leaving.peer); err != nil {
		return err
	}
	c.Log.Say("%s: has left etcd", node.Name)
	return nil
}

func nodesOf(steps []plan.Step) (nodes []workspace.Node) {
	for _, step := range steps {
		nodes = append(nodes, step.Node)
	}
	return nodes
}
