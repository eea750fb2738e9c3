//go:build cgo && libvirt_dlopen

// Package network is libvirt's own networks.
package network

import (
	"net/netip"
	"strings"

	"libvirt.org/go/libvirt"

	"coreos-libvirt/internal/engine/libvirt/domainxml"
	"coreos-libvirt/internal/engine/libvirt/refusal"
	"coreos-libvirt/internal/terminal/hint"
)

// Bridge is the host's bridge that the network of that name is on. The network must be active.
func Bridge(conn *libvirt.Connect, name string) (bridge string, err error) {
	active := true
	err = with(conn, name, func(network *libvirt.Network) error {
		if active, err = network.IsActive(); err == nil && active {
			bridge, err = network.GetBridgeName()
		}
		return err
	})
	switch {
	case refusal.Is(err, libvirt.ERR_NO_NETWORK):
		return "", hint.Errorf("libvirt has "+all(conn), "network=%s: %w", name, refusal.Plain(err))
	case err == nil && !active:
		return "", hint.Errorf("virsh net-start "+name, "network=%s: it is not active", name)
	}
	return bridge, err
}

// Reserved is the address that the network keeps for the hardware address
// (https://libvirt.org/formatnetwork.html#addressing); the zero value if it keeps none.
func Reserved(conn *libvirt.Connect, name, mac string) (address netip.Addr, err error) {
	err = with(conn, name, func(network *libvirt.Network) error {
		definition, err := network.GetXMLDesc(0)
		address = domainxml.Reserved(definition, mac)
		return err
	})
	return address, err
}

func with(conn *libvirt.Connect, name string, do func(*libvirt.Network) error) error {
	network, err := conn.LookupNetworkByName(name)
	if err != nil {
		return err
	}
	defer func() { _ = network.Free() }()
	return do(network)
}

// all are the names of all, for who chose another.
func all(conn *libvirt.Connect) string {
	names := []string{}
	networks, err := conn.ListAllNetworks(0)
	for i := range networks {
		if name, err := networks[i].GetName(); err == nil {
			names = append(names, "network="+name)
		}
		_ = networks[i].Free()
	}
	if err != nil || len(names) == 0 {
		return "no network; `virsh net-define` makes one"
	}
	return strings.Join(names, ", ")
}
