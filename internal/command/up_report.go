package command

import (
	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/guest"
)

// trust makes the host keys that nodes reported the ones that `mage ssh` accepts.
func trust(access guest.Access, nodes []boot.Node) error {
	reports := boot.Reports(nodes)
	if len(reports) == 0 {
		return nil
	}
	return access.Trust(reports)
}
