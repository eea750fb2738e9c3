package command

import "coreos-libvirt/internal/cluster/boot"

// trust makes the host keys that nodes reported the ones that `mage ssh` accepts.
func (r *Run) trust(nodes []boot.Node) error {
	reports := boot.Reports(nodes)
	if len(reports) == 0 {
		return nil
	}
	return r.access(r.Prefix).Trust(reports)
}
