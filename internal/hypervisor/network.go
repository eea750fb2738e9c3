//go:build cgo && libvirt_dlopen

package hypervisor

import (
	"fmt"
	"strings"

	"coreos-libvirt/internal/hint"
)

// NetworkBridge is the host's bridge that the libvirt network of that name is on. The network must be active.
func (c *Conn) NetworkBridge(name string) (string, error) {
	network, err := c.c.LookupNetworkByName(name)
	if err != nil {
		return "", hint.Errorf("libvirt has "+c.networks(), "network=%s: %w", name, plain(err))
	}
	defer func() { _ = network.Free() }()
	if active, err := network.IsActive(); err != nil || !active {
		return "", hint.Errorf("virsh net-start "+name, "network=%s: it is not active", name)
	}
	bridge, err := network.GetBridgeName()
	if err != nil {
		return "", fmt.Errorf("network=%s: %w", name, plain(err))
	}
	return bridge, nil
}

// networks are the names of all, for who chose another.
func (c *Conn) networks() string {
	all, err := c.c.ListAllNetworks(0)
	if err != nil || len(all) == 0 {
		return "no network; `virsh net-define` makes one"
	}
	names := []string{}
	for i := range all {
		if name, err := all[i].GetName(); err == nil {
			names = append(names, "network="+name)
		}
		_ = all[i].Free()
	}
	return strings.Join(names, ", ")
}
