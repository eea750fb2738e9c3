package engine

import "context"

// Disks are the files that nodes are booted from, as an engine has them. A node's files go by their paths below vm/ of this
// host: where the engine has them is its own affair.
type Disks interface {
	// Seen are the node's files by the names that stand in its definition.
	Seen(node Files) Files
	// Look is what there is of the node's disk. domain is the node's, without a name if there is none.
	Look(ctx context.Context, node Files, domain Domain) (Disk, error)
	// Prepare makes a new disk of that many GiB on the base image, beside the node's own, which stays. base is a path of this
	// host.
	Prepare(ctx context.Context, node Files, base string, gib int) (Prepared, error)
	// Remove removes the node's disk. That there is none is no error.
	Remove(node Files) error
	// BeginLog makes the node's console log an empty one.
	BeginLog(node Files) error
}

// Prepared is a disk that is not a node's yet.
type Prepared interface {
	// Place makes it the node's, instead of the one that there may be. The engine has the node's Ignition document then, too.
	Place() error
	// Discard removes it, unless it has its place.
	Discard() error
}

// Disk is what there is of a node's disk.
type Disk struct {
	Exists   bool
	Backing  string // its base image, by its path on this host; empty if it is not known
	Pristine bool   // no guest has written to it
}
