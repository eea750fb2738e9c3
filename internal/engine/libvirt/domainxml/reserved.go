package domainxml

import (
	"net/netip"
	"strings"

	"libvirt.org/go/libvirtxml"
)

// Reserved is the address that a network's definition keeps for a hardware address: of IPv4, or else of IPv6. The zero value if it keeps
// none.
func Reserved(definition, mac string) (found netip.Addr) {
	var network libvirtxml.Network
	if network.Unmarshal(definition) != nil {
		return found
	}
	for _, ip := range network.IPs {
		if ip.DHCP == nil {
			continue
		}
		for _, host := range ip.DHCP.Hosts {
			address, err := netip.ParseAddr(host.IP)
			if err == nil && strings.EqualFold(host.MAC, mac) && (!found.IsValid() || address.Is4() && !found.Is4()) {
				found = address
			}
		}
	}
	return found
}
