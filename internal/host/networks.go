package host

import (
	"net"
	"net/netip"
)

// Networks are the host's own addresses, each with the network that it is on, by link.
func Networks() (map[string][]netip.Prefix, error) {
	links, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	all := map[string][]netip.Prefix{}
	for _, link := range links {
		addresses, err := link.Addrs()
		if err != nil {
			continue // it went meanwhile
		}
		for _, a := range addresses {
			if network, err := netip.ParsePrefix(a.String()); err == nil {
				all[link.Name] = append(all[link.Name], network)
			}
		}
	}
	return all, nil
}
