package command

import (
	"context"
	"fmt"
	"net/url"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
)

// leaver is a member that is to leave, and the cluster around it.
type leaver struct {
	peer   etcd.Peer // without an id: the node is no member
	others []string  // client URLs of other nodes
	status etcd.Status
}

// replace makes the node anew, and its member with it: no data are lost while the others are healthy. From the
// moment that its member leaves the node is marked as one that may be made anew: so ends what is interrupted.
func (r *Run) replace(ctx context.Context, nodes []boot.Node, i int) error {
	node := nodes[i].Step.Node
	leaving, err := r.leaver(ctx, node, r.othersOf(nodes, i), stillToCome(nodes, i))
	if err != nil {
		return err
	}
	if err := r.canJoin(node); err != nil {
		return err
	}
	peer := leaving.peer
	if peer.ID == "" || len(peer.URLs) == 0 { // grow makes it a member
		return r.anew(ctx, nodes, i)
	}
	name := peer.Name
	if name == "" {
		name = node.Name
	}
	place, err := r.placeAmong(leaving.status.Peers.Without(peer), node, name, hostOf(peer.URLs[0]))
	if err != nil {
		return err
	}
	if err := artifact.Write(node.Fresh(), nil, 0o644); err != nil {
		return err
	}
	if err := r.leave(ctx, leaving); err != nil {
		return err
	}
	r.log.Say("%s: has left etcd", node.Name)
	return r.join(ctx, nodes, i, place, leaving.others)
}

// stillToCome are the nodes that are made anew after this one.
func stillToCome(nodes []boot.Node, but int) (later []workspace.Node) {
	for i, n := range nodes {
		if i != but && n.Step.Action == plan.Recreate {
			later = append(later, n.Step.Node)
		}
	}
	return later
}

// leaver is the node's member, if it is one. The others must be healthy without it, but those of nodes that are
// made anew or removed, too.
func (r *Run) leaver(ctx context.Context, node workspace.Node, others []string, later []workspace.Node) (l leaver, err error) {
	l.others = others
	if len(others) == 0 {
		return l, hint.Errorf("recreate=all force=true makes a new cluster, without the data", "no other node has a healthy member of etcd")
	}
	if l.status, err = r.membersHelper().Status(ctx, others, membersPatience); err != nil {
		return l, err
	}
	excused := []string{}
	for _, other := range later {
		if peer, ok := l.status.Peers.Of(other.Name, r.reach().LastAddress(other.Name)); ok {
			excused = append(excused, peer.ID)
		}
	}
	is := false
	if l.peer, is, err = r.memberOf(l.status.Peers, node); err != nil {
		return l, err
	}
	if is {
		excused = append(excused, l.peer.ID)
	}
	if l.status, err = r.areWell(ctx, others, excused...); err != nil {
		return l, err
	}
	if len(l.status.Peers.Without(l.peer).Voters()) == 0 {
		err = hint.Errorf("recreate=all force=true makes a new cluster, without the data", "this is etcd's only member")
	}
	return l, err
}

// leave takes the member out of etcd. One of the others leads then.
func (r *Run) leave(ctx context.Context, l leaver) error {
	for _, healthy := range l.status.Healthy() {
		if healthy.ID == l.peer.ID || healthy.Leader != l.peer.ID || len(l.peer.Clients) == 0 {
			continue
		}
		if err := r.membersHelper().Lead(ctx, l.peer.Clients[0], healthy.ID); err != nil {
			return fmt.Errorf("the lead cannot be passed on: %w", err)
		}
		break
	}
	return r.membersHelper().Remove(ctx, l.others, l.peer.ID)
}

// othersOf are the client URLs of the members of all nodes but one, of those that are ready.
func (r *Run) othersOf(nodes []boot.Node, but int) []string {
	endpoints := []string{}
	for i, n := range nodes {
		if i == but {
			continue
		}
		if n.Address() != "" {
			endpoints = append(endpoints, r.clientURL(n.Address()))
		} else if last := r.reach().LastAddress(n.Step.Node.Name); last != "" { // its turn is still to come
			endpoints = append(endpoints, r.clientURL(last))
		}
	}
	return endpoints
}

// hostOf is the host of a URL.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// removeNode removes the node for good: its member of etcd first, then its domain and files.
func (r *Run) removeNode(ctx context.Context, node workspace.Node, others []string, later []workspace.Node) error {
	if r.generation.Token != nil {
		leaving, err := r.leaver(ctx, node, others, later)
		if err != nil {
			return err
		}
		if leaving.peer.ID != "" {
			if err := r.leave(ctx, leaving); err != nil {
				return err
			}
			r.log.Say("%s: has left etcd", node.Name)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.applier().RemoveDomain(node); err != nil {
		return err
	}
	if err := node.RemoveFiles(); err != nil {
		return err
	}
	r.log.Say("%s: removed", node.Name)
	return nil
}
