package command

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"coreos-libvirt/internal/cluster/beforehand"
	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/cluster/reach"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/workspace"
)

// expectNewcomers has new nodes join an etcd that there is with their first boot, if it is known where they will be.
func expectNewcomers(ctx context.Context, r *Run, p planned, cluster func() members.Cluster, steps []plan.Step) error {
	peers, nodes := p.etcd.Status.Peers, []workspace.Node{}
	for _, step := range plan.Taking(steps, plan.Create) {
		if step.Want.IsMember() {
			nodes = append(nodes, step.Node)
		}
	}
	if p.generation.Token == nil || p.plan.Way != plan.InTurn || !r.Ready || len(peers) == 0 || len(nodes) == 0 {
		return nil
	}
	return cluster().Expect(steps, peers, placesOf(r, p).Of(ctx, nodes))
}

// placesOf are who may know where nodes will be.
func placesOf(r *Run, p planned) beforehand.Sources {
	nodes := viewOf(r, p.rendered, p.domains).Options.Nodes
	sources := beforehand.Sources{
		Said: func(node workspace.Node) string {
			said := strings.Split(r.Addresses, ",")
			at := slices.IndexFunc(nodes, func(n workspace.Node) bool { return n.Name == node.Name })
			if at < 0 || at >= len(said) {
				return ""
			}
			return said[at]
		},
		Document: func(node string) []byte {
			return p.want[slices.IndexFunc(p.want, func(b plan.Blueprint) bool { return b.Doc.Name == node })].Doc.JSON
		},
		Lookup: discovery.AddressOf, Possible: func(address netip.Addr) bool { return reach.IsPossible(r.reach(), address) },
	}
	if reserved, knows := engine.As[engine.Reservations](r.conn); knows && link(r.Settings).Network != "" {
		sources.Reserved = func(mac string) netip.Addr { return reserved.Reserved(link(r.Settings).Network, mac) }
	}
	return sources
}
