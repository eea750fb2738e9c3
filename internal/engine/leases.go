package engine

import "errors"

// ErrLeased is a lease that another client has.
var ErrLeased = errors.New("another client has the lease")

// Leases are an engine's notes of which each name is there once, so that of two clients one has it.
type Leases interface {
	// PutLease writes the note. The first of that name and id makes it, each further one changes it. ErrLeased says that there is one
	// of that name and another id.
	PutLease(name string, lease Lease) error
	// LeaseOf is the note of that name; ok is false if there is none.
	LeaseOf(name string) (lease Lease, ok bool, err error)
	// DropLease removes the note of that id, if it is there.
	DropLease(id string) error
}

// Lease is a note by whoever changes something.
type Lease struct {
	ID   string // a UUID, another one for each client and each time
	Text string // who has it, and what tells one renewal from the other
}
