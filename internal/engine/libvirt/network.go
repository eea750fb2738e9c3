//go:build cgo && libvirt_dlopen

package libvirt

import (
	"fmt"
	"strings"

	"coreos-libvirt/internal/engine/libvirt/refusal"

	"libvirt.org/go/libvirt"

	"coreos-libvirt/internal/terminal/hint"
)

// NetworkBridge is the host's bridge that the libvirt network of that name is on. The network must be active.
func (h *host) NetworkBridge(name string) (bridge string, err error) {
	active := true
	err = h.use(func(conn *libvirt.Connect) error {
		network, err := conn.LookupNetworkByName(name)
		if err != nil {
			return err
		}
		defer func() { _ = network.Free() }()
		if active, err = network.IsActive(); err == nil && active {
			bridge, err = network.GetBridgeName()
		}
		return err
	})
	switch {
	case refusal.Is(err, libvirt.ERR_NO_NETWORK):
		return "", hint.Errorf("libvirt has "+h.networks(), "network=%s: %w", name, refusal.Plain(err))
	case err != nil:
		return "", fmt.Errorf("network=%s: %w", name, refusal.Plain(err))
	case !active:
		return "", hint.Errorf("virsh net-start "+name, "network=%s: it is not active", name)
	}
	return bridge, nil
}

// networks are the names of all, for who chose another.
func (h *host) networks() string {
	names := []string{}
	err := h.use(func(conn *libvirt.Connect) error {
		all, err := conn.ListAllNetworks(0)
		for i := range all {
			if name, err := all[i].GetName(); err == nil {
				names = append(names, "network="+name)
			}
			_ = all[i].Free()
		}
		return err
	})
	if err != nil || len(names) == 0 {
		return "no network; `virsh net-define` makes one"
	}
	return strings.Join(names, ", ")
}
