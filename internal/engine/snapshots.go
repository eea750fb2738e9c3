package engine

import "time"

// Snapshot is one of a domain, as the engine has it.
type Snapshot struct {
	Name   string
	Note   string // what whoever made it has written into it
	Made   time.Time
	Memory bool     // whether it has the memory of a guest that ran
	Inside bool     // whether it is inside the disks' own files
	Disks  []string // the files of the domain's disks when it was made
}

// SnapshotList looks at snapshots.
type SnapshotList interface {
	// Snapshots are those of the domain, the oldest first.
	Snapshots(domain string) ([]Snapshot, error)
}

// Snapshots makes snapshots inside the disks' own files, and goes back to them.
type Snapshots interface {
	SnapshotList
	// Pause stops the domain's processors. Start lets it go on.
	Pause(domain string) error
	// TakeSnapshot makes one of a domain that is paused, with its memory, or that does not run. ErrNoMemorySnapshot says that
	// it cannot be made while the domain runs.
	TakeSnapshot(domain, name, note string) error
	// Revert takes the domain back to the snapshot, whatever it does now, its definition too. It is paused then, or if the
	// snapshot has no memory shut off.
	Revert(domain string, to Snapshot) error
	// RemoveSnapshot removes the one of that name and note. That there is none is not an error.
	RemoveSnapshot(domain, name, note string) error
}
