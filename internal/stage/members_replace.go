package stage

import (
	"context"
	"fmt"
	"net/url"

	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/hint"
)

// replace makes the node anew, and its member with it: no data are lost while the others are healthy.
func (r *Run) replace(ctx context.Context, nodes []booted, i int) error {
	name := nodes[i].step.Node.Name
	others := r.othersOf(nodes, i)
	peer, err := r.leave(ctx, name, others)
	if err != nil {
		return err
	}
	if peer.ID == "" || len(peer.URLs) == 0 { // it was none: grow makes it one
		return r.anew(ctx, nodes, i)
	}
	r.log.Say("%s: has left etcd", name)
	peers, err := r.membersHelper().Peers(ctx, others)
	if err != nil {
		return err
	}
	return r.join(ctx, nodes, i, peers, hostOf(peer.URLs[0]), others)
}

// leave takes the node's member out of etcd, if it is one. The others must be healthy without it, and
// one of them leads then. It gives the address that the member had.
func (r *Run) leave(ctx context.Context, name string, others []string) (peer etcd.Peer, err error) {
	if len(others) == 0 {
		return peer, hint.Errorf("recreate=all makes a new cluster", "%s is etcd's only member", name)
	}
	peers, err := r.membersHelper().Peers(ctx, others)
	if err != nil {
		return peer, err
	}
	peer, ok := peers.Named(name)
	if !ok {
		return peer, nil
	}
	staying := peers.Without(peer)
	status, err := r.membersHelper().Status(ctx, staying.Clients(), membersPatience)
	if err != nil {
		return peer, err
	}
	if err := status.Check(len(staying)); err != nil {
		return peer, hint.Add(fmt.Errorf("etcd would not be healthy without it: %w", err), "recreate=all makes a new cluster")
	}
	healthy := status.Healthy()[0]
	if healthy.Leader == peer.ID && len(peer.Clients) > 0 {
		if err := r.membersHelper().Lead(ctx, peer.Clients[0], healthy.ID); err != nil {
			return peer, err
		}
	}
	return peer, r.membersHelper().Remove(ctx, others, peer.ID)
}

// othersOf are the client URLs of the members of all nodes but one, of those that are ready.
func (r *Run) othersOf(nodes []booted, but int) []string {
	endpoints := []string{}
	for i, n := range nodes {
		if i != but && n.address() != "" {
			endpoints = append(endpoints, r.clientURL(n.address()))
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
