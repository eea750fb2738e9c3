package stage

import (
	"context"
	"net/netip"
	"time"

	"coreos-libvirt/internal/cluster"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/hint"
	"coreos-libvirt/internal/host"
)

// neighbourPoll is how often the kernel's table is looked at for an answer.
const neighbourPoll = 100 * time.Millisecond

// find is where a node is that cannot tell by itself, and how that is known: from libvirt's leases, the
// guest's agent, the banner on its console, or the neighbours of the host's bridge, who are asked until ctx ends. The first
// of these that knows counts.
func (r *Run) find(ctx context.Context, d cluster.Domain) (address netip.Addr, from string) {
	node := cluster.NodeAt(r.vm(), d.Metadata.Cluster, d.Metadata.Number)
	sources := []struct {
		name string
		look func() netip.Addr
	}{
		{"libvirt's lease", func() netip.Addr { return r.conn.Lease(d.Name, node.MAC) }},
		{"guest agent", func() netip.Addr { return r.conn.AgentAddress(d.Name, node.MAC) }},
		{"login banner", func() netip.Addr { return guest.BannerAddress(node.Console()) }},
		{"neighbour", func() netip.Addr { return r.neighbour(ctx, node.MAC) }},
	}
	looked := make([]chan netip.Addr, len(sources)) // all at once: an agent that hangs keeps nobody
	for i, source := range sources {
		looked[i] = make(chan netip.Addr, 1)
		go func() { looked[i] <- source.look() }()
	}
	for i, source := range sources {
		select {
		case address = <-looked[i]:
		case <-ctx.Done():
			address = known(looked[i])
		}
		if address.IsValid() {
			return address, source.name
		}
	}
	return address, ""
}

// known is what was found by now.
func known(looked <-chan netip.Addr) (found netip.Addr) {
	select {
	case found = <-looked:
	default:
	}
	return found
}

// neighbour is the address of a hardware address on the bridge.
func (r *Run) neighbour(ctx context.Context, mac string) (found netip.Addr) {
	bridge, err := r.hostBridge()
	if err != nil {
		return found
	}
	if found = host.Neighbours()[mac]; found.IsValid() {
		return found
	}
	host.AskNeighbours(bridge)
	for sleep(ctx, neighbourPoll) {
		if found = host.Neighbours()[mac]; found.IsValid() {
			break
		}
	}
	return found
}

// found is the report of a node that cannot make one itself: its address, if that can be found.
func (r *Run) found(ctx context.Context, d cluster.Domain) (guest.Report, error) {
	address, _ := r.find(ctx, d)
	if !address.IsValid() {
		return guest.Report{}, hint.Errorf("`mage logs` shows how far it got", "%s: with ready=off it cannot tell where it is, and neither its console nor its neighbours do", d.Name)
	}
	family := "inet6"
	if address.Is4() {
		family = "inet"
	}
	return guest.Report{HostName: d.Name, Interfaces: []guest.Interface{
		{MAC: cluster.MAC(d.Name), Addresses: []guest.Address{{Family: family, Local: address.String(), Scope: "global"}}},
	}}, nil
}
