package libvirt

import (
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt/domainxml"
)

// Definitions are libvirt's: XML. No connection is needed for them, and no binding.
type Definitions struct{}

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
