package engine

import (
	"context"
	"io/fs"
)

// Disks are the files that nodes are booted from and write, as an engine has them. A node's files go by their paths below vm/
// of this host: where the engine has them is its own affair.
type Disks interface {
	// Seen are the node's files by the names that stand in its definition.
	Seen(node Files) Files
	// Look is what there is of the node's disk. domain is the node's, without a name if there is none.
	Look(ctx context.Context, node Files, domain Domain) (Disk, error)
	// Size is how many bytes the node's disks take where they are, and how many disks that are.
	Size(node Files) (bytes int64, disks int)
	// Under is what a disk of the domain stands on, both by the names that stand in definitions; empty if that is nothing, or not
	// known.
	Under(domain Domain, disk string) string
	// Prepare makes new disks, beside the node's own, which stay: one of that many GiB on the base image, and further ones, which
	// are empty. base is a path of this host.
	Prepare(ctx context.Context, node Files, base string, gib int, further []FurtherDisk) (Prepared, error)
	// Sweep removes what Prepare made in runs that were killed before they placed it. No run may be at the node.
	Sweep(node Files) error
	// Add makes a further disk, which is empty. One that is there already is an error, unless it is empty, too.
	Add(ctx context.Context, node Files, further FurtherDisk) error
	// Drop removes a further disk that Add has made. That there is none is not an error.
	Drop(node Files, name string) error
	// Grow gives a further disk that many GiB, if it has less. No domain uses it.
	Grow(ctx context.Context, node Files, further FurtherDisk) error
	// Remove removes the node's disks. That there is none is not an error.
	Remove(node Files) error
	// Clear removes all that there is of the node: its disks, its Ignition document, its console log. That there is nothing is
	// no error.
	Clear(node Files) error
	Documents
	// BeginLog makes the node's console log an empty one.
	BeginLog(node Files) error
	// Log is the node's console log.
	Log(node Files) Log
}

// Holder is disks that say of all nodes at once whether they have anything of them.
type Holder interface {
	// Holds gives a function that reports whether there was anything of a node when Holds was called.
	Holds() (has func(node Files) bool, err error)
}

// Documents are the Ignition documents that nodes are booted from. `mage render` writes vm/<node>/ignition.json of this host,
// and asks no engine: a node that is made gets it from there.
type Documents interface {
	// WriteDocument makes the document, which is JSON with secrets in it, the node's. Nobody but the engine and the user may
	// read it.
	WriteDocument(node Files, document []byte) error
	// Document is the node's document. fs.ErrNotExist says that there is none, fs.ErrPermission that only the engine may
	// read it.
	Document(node Files) ([]byte, error)
}

// Log is a node's console log, in which each boot may begin again.
type Log interface {
	// Open opens the log to be read from an offset in bytes; a negative one counts from its end. Stat gives its size, and when
	// it was last written to. fs.ErrNotExist says that there is none.
	Open(offset int64) (fs.File, error)
	// Parts are what there is of the log, opened at their beginning, oldest first: what was moved away because it had become
	// too long, then the log itself. Two of one file are the same by os.SameFile or, if it is no file of this host, have the same
	// Sys in what Stat gives. The caller closes them. fs.ErrNotExist says that there is none.
	Parts() ([]fs.File, error)
	// Cut reports whether its beginning was moved away, because it had become too long.
	Cut() bool
	// Follow gives each line that the log has, and those that come, until ctx ends.
	Follow(ctx context.Context, each func(line string)) error
	// Writes gives a channel that has a value when something was written to the log, from now until end is called. Where the
	// engine does not tell, it never has.
	Writes() (written <-chan struct{}, end func())
}

// Prepared are disks that are not a node's yet.
type Prepared interface {
	// Place makes them the node's, instead of those that there may be: it has no others then.
	Place() error
	// Discard removes those that have no place.
	Discard() error
}

// Disk is what there is of a node's disk.
type Disk struct {
	Exists   bool
	Backing  string   // its base image, by its path on this host; empty if it is not known
	Copied   bool     // it stands on the engine's own copy of its base image: what this host has of that is of no matter
	Lost     string   // the engine's copy of its base image, if that is gone
	Pristine bool     // no guest has written to it, nor to a further disk
	Instead  string   // the file that the domain has in its place; empty if it has the disk
	OnTop    bool     // whether that stands on the disk: a snapshot
	Further  []string // names of the further disks that there are
	Data     []string // names of those that a guest may have written to
}

// HasData reports whether a guest may have written to the disk, or to a further one.
func (d Disk) HasData() bool { return d.Exists && !d.Pristine || len(d.Data) > 0 }
