// Package beforehand is where nodes will be, as far as that is known before they boot: because the user says so, their config gives
// them the address, the engine or the network's DHCP server keeps it for them.
package beforehand

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/wait"
)

// Place is where a node will be, and what says so.
type Place struct{ Address, By string }

// lookWithin is how long the network's DNS may take: a node that is not found boots twice, and that is all.
const lookWithin = 3 * time.Second

// Sources are who may know it, in the order in which they are believed. Each may be nil.
type Sources struct {
	Said     func(node workspace.Node) string // addresses=
	Document func(node string) []byte         // of Ignition, as the node would be made now
	Reserved func(mac string) netip.Addr      // by a DHCP server of the engine's own
	Lookup   func(ctx context.Context, name string) (netip.Addr, error)

	Possible func(netip.Addr) bool // whether a node can be there
}

// Of are the places of the nodes, by name. Those that nobody knows are missing, and those that several would be at.
func (s Sources) Of(ctx context.Context, nodes []workspace.Node) map[string]Place {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	found := make([]Place, len(nodes))
	_ = wait.Each(len(nodes), func(i int) error {
		found[i] = s.of(ctx, nodes[i])
		return nil
	})
	places := map[string]Place{}
	for i, place := range found {
		same := func(other Place) bool { return other.Address == place.Address }
		if place.Address != "" && !slices.ContainsFunc(slices.Delete(slices.Clone(found), i, i+1), same) {
			places[nodes[i].Name] = place
		}
	}
	return places
}

// of is the first source's answer that a node can have.
func (s Sources) of(ctx context.Context, node workspace.Node) Place {
	for _, source := range []struct {
		by  string
		ask func() netip.Addr
	}{
		{"addresses=", func() (a netip.Addr) {
			if s.Said != nil {
				a, _ = netip.ParseAddr(s.Said(node))
			}
			return a
		}},
		{"its config", func() (a netip.Addr) {
			if s.Document != nil {
				a = Static(s.Document(node.Name), s.Possible)
			}
			return a
		}},
		{"libvirt's network", func() (a netip.Addr) {
			if s.Reserved != nil {
				a = s.Reserved(node.MAC)
			}
			return a
		}},
		{"DNS", func() (a netip.Addr) {
			if s.Lookup != nil {
				a, _ = s.Lookup(ctx, node.Name)
			}
			return a
		}},
	} {
		if address := source.ask().Unmap(); address.IsValid() && s.Possible(address) {
			return Place{address.String(), source.by}
		}
	}
	return Place{}
}
