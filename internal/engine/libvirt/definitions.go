package libvirt

import (
	"errors"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt/domainxml"
)

// Definitions are libvirt's: XML. No connection is needed for them, and no binding.
type Definitions struct{}

// Disks are those of this host, unless KeepFiles has said that they are elsewhere.
func (c *Conn) Disks() engine.Disks {
	if c.volumes != nil {
		return c.volumes
	}
	return &c.files
}

// FreeSpace is how many bytes are free in the storage pool with the nodes' files, and what that is called.
func (c *Conn) FreeSpace() (bytes int64, pool string, err error) {
	if c.volumes == nil {
		return 0, "", errors.New("nodes' files are in no storage pool")
	}
	return c.volumes.Free()
}

// Fill fills the template for a node.
func (Definitions) Fill(text string, hw engine.Hardware) (engine.Definition, error) {
	return domainxml.Fill(text, hw)
}

// Parse reads a domain's definition.
func (Definitions) Parse(text string) (engine.Domain, error) { return domainxml.Parse(text) }

// Comparable is a definition without what libvirt adds by itself.
func (Definitions) Comparable(text string) string { return domainxml.Comparable(text) }

// LiveChanges compares two definitions.
func (Definitions) LiveChanges(was, is string, runs engine.Machine) (engine.Live, error) {
	return domainxml.LiveChanges(was, is, runs)
}
