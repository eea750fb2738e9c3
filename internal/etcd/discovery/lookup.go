package discovery

import (
	"context"
	"net"
	"net/netip"

	"coreos-libvirt/internal/terminal/hint"
)

// AddressOf is the address of a node's name, as this host's resolver says.
func AddressOf(ctx context.Context, name string) (netip.Addr, error) {
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	if err != nil {
		return netip.Addr{}, hint.Errorf("addresses=10.0.0.11,10.0.0.12,… names them", "discovery=static: %s has no address: %w", name, err)
	}
	address, ok := reachableAddress(found)
	if !ok {
		return address, hint.Errorf("addresses=10.0.0.11,10.0.0.12,… names them; see /etc/hosts", "discovery=static: %s is %s, which no other node can reach", name, found[0])
	}
	return address, nil
}

// reachableAddress is the one of a node's addresses by which others reach it: IPv4 where there is such a one.
func reachableAddress(found []netip.Addr) (best netip.Addr, ok bool) {
	for _, a := range found {
		if a = a.Unmap(); a.IsGlobalUnicast() && (!best.IsValid() || a.Is4() && !best.Is4()) {
			best = a
		}
	}
	return best, best.IsValid()
}
