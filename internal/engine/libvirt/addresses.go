//go:build cgo && libvirt_dlopen

package libvirt

import (
	"net/netip"
	"strings"

	"libvirt.org/go/libvirt"
)

// Lease is the domain's address by mac in the leases of libvirt's own networks; not valid if there is none.
func (i inventory) Lease(domain, mac string) netip.Addr {
	return i.address(domain, mac, libvirt.DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE)
}

// AgentAddress is the domain's address by mac that QEMU's agent in the guest gives; not valid if there is
// none. A guest without the agent is known at once, one whose agent hangs after libvirt's five seconds.
func (i inventory) AgentAddress(domain, mac string) netip.Addr {
	return i.address(domain, mac, libvirt.DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT)
}

func (i inventory) address(domain, mac string, source libvirt.DomainInterfaceAddressesSource) (found netip.Addr) {
	_ = i.with(domain, func(dom *libvirt.Domain) error {
		cards, err := dom.ListAllInterfaceAddresses(source)
		for _, card := range cards {
			for _, a := range card.Addrs {
				address, err := netip.ParseAddr(a.Addr)
				if err == nil && strings.EqualFold(card.Hwaddr, mac) && address.IsGlobalUnicast() && !found.IsValid() {
					found = address
				}
			}
		}
		return err
	})
	return found
}
