//go:build cgo && libvirt_dlopen

package libvirt

import (
	"errors"
	"fmt"
	"net/netip"

	"coreos-libvirt/internal/engine/libvirt/network"
	"coreos-libvirt/internal/engine/libvirt/refusal"

	"libvirt.org/go/libvirt"
)

// NetworkBridge is the host's bridge that the libvirt network of that name is on. The network must be active.
func (h *host) NetworkBridge(name string) (bridge string, err error) {
	err = h.use(func(conn *libvirt.Connect) (err error) {
		bridge, err = network.Bridge(conn, name)
		return err
	})
	if raw := (libvirt.Error{}); errors.As(err, &raw) {
		err = fmt.Errorf("network=%s: %w", name, refusal.Plain(err))
	}
	return bridge, err
}

// Reserved is the address that the libvirt network keeps for the hardware address; the zero value if it keeps none.
func (h *host) Reserved(name, mac string) (address netip.Addr) {
	_ = h.use(func(conn *libvirt.Connect) (err error) {
		address, err = network.Reserved(conn, name, mac)
		return err
	})
	return address
}
