package plan

import (
	"cmp"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
)

// Found is what there is of a node, and what the user wants done with it.
type Found struct {
	Node    workspace.Node
	Domain  engine.Domain
	Defined bool // whether there is a domain
	Disk    engine.Disk
	Made    *engine.Metadata // what the disk was made from, if there is no domain that says so; nil if nothing does
	Leaving bool             // whether a run has begun to remove the node
	Edited  string           // a diff of what somebody else changed in the domain's definition; empty if nothing
	Wishes

	Unbootable Obstacle // why its disk must not be booted
	Unknown    Obstacle // why it is not known what there is of the node; then nothing else is known

	Recorded bool // its folder has the definition that there is, as it was made
	History
	Keeping
}

// History is what is known of a node's life.
type History struct {
	Fresh       bool   // no run that booted it has come to its end since it was made
	NeverReady  bool   // its first boot never succeeded: nobody has data on it
	Unruled     bool   // the document that it was made from has no rule by which its system uses what is plugged
	LastAddress string // where it said last that it is; empty if it has not said so
}

// Keeping is what a node has if it is kept.
type Keeping struct {
	Spec       engine.Hardware   // on its own image, with the firmware that its disk was made for
	Kept       engine.Definition // that gives
	Definition string            // its digest; empty if there is nothing to be kept
	Takes      *engine.Live      // what of that the running domain takes; nil if that is not known
}

// Wishes are what the user wants done with a node.
type Wishes struct {
	Recreate bool   // recreate it if it differs
	Force    bool   // recreate it in any case
	Redefine bool   // overwrite somebody else's changes
	Arch     string // arch=
}

// Orphan reports whether there is a disk with data, and no domain that it belongs to.
func (f Found) Orphan() bool {
	return !f.Defined && f.Disk.HasData() && !f.Leaving
}

// have is what the node was made from.
func (f Found) have(want engine.Metadata) engine.Metadata {
	switch {
	case f.Defined:
		have := *f.Domain.Metadata
		have.Firmware = cmp.Or(have.Firmware, f.Domain.Firmware)
		return have
	case f.Made != nil:
		return *f.Made
	}
	return want
}

// Firmware is what the node's disk was made for; empty if that is not known.
func (f Found) Firmware() string { return f.have(engine.Metadata{}).Firmware }
