package libvirt

import "coreos-libvirt/internal/engine"

// Disks are those of this host, on which libvirt runs.
func (c *Conn) Disks() engine.Disks { return &c.files }
