package engine

import (
	"context"
	"errors"
)

// ErrReadOnly is the answer to whoever would change something in a run that only looks.
var ErrReadOnly = errors.New("a run that only looks would change something: this is a mistake in this program")

// ReadOnly is the engine for a run that only looks: what would change a domain or a disk is refused. Of the optional
// interfaces, As gives those that only look, and no others.
func ReadOnly(e Engine) Engine { return readOnly{e, e, e, e} }

// readOnly has an engine's parts that only look, and no other part of it: what is new in those must be written down here.
type readOnly struct {
	Inventory
	Events
	Ports
	of Engine
}

func (readOnly) Define(string) (string, error)  { return "", ErrReadOnly }
func (readOnly) Remove(string, ...string) error { return ErrReadOnly }
func (readOnly) Start(string) error             { return ErrReadOnly }
func (readOnly) Shutdown(string) error          { return ErrReadOnly }
func (readOnly) Destroy(string) error           { return ErrReadOnly }
func (r readOnly) Disks() Disks                 { return readOnlyDisks{r.of.Disks()} }

// readOnlyDisks are disks that are only looked at.
type readOnlyDisks struct{ of Disks }

func (d readOnlyDisks) Seen(node Files) Files { return d.of.Seen(node) }

func (d readOnlyDisks) Look(ctx context.Context, node Files, domain Domain) (Disk, error) {
	return d.of.Look(ctx, node, domain)
}

func (readOnlyDisks) Prepare(context.Context, Files, string, int, []FurtherDisk) (Prepared, error) {
	return nil, ErrReadOnly
}
func (readOnlyDisks) Sweep(Files) error                              { return ErrReadOnly }
func (readOnlyDisks) Add(context.Context, Files, FurtherDisk) error  { return ErrReadOnly }
func (readOnlyDisks) Drop(Files, string) error                       { return ErrReadOnly }
func (readOnlyDisks) Grow(context.Context, Files, FurtherDisk) error { return ErrReadOnly }
func (readOnlyDisks) Remove(Files) error                             { return ErrReadOnly }
func (readOnlyDisks) Clear(Files) error                              { return ErrReadOnly }
func (readOnlyDisks) WriteDocument(Files, []byte) error              { return ErrReadOnly }
func (readOnlyDisks) BeginLog(Files) error                           { return ErrReadOnly }

func (d readOnlyDisks) Size(node Files) (bytes int64, disks int) { return d.of.Size(node) }

func (d readOnlyDisks) Under(domain Domain, disk string) string { return d.of.Under(domain, disk) }

func (d readOnlyDisks) Document(node Files) ([]byte, error) { return d.of.Document(node) }
func (d readOnlyDisks) Log(node Files) Log                  { return d.of.Log(node) }

// As is the engine as one that can do more, if it can: as one of the optional interfaces.
func As[T any](e Engine) (as T, ok bool) {
	r, wrapped := e.(readOnly)
	if !wrapped {
		as, ok = e.(T)
		return as, ok
	}
	switch any(&as).(type) {
	case *Addresses, *Networks, *Reservations, *HostLinks, *Host, *Screens, *SnapshotList, *Hosts, *Capacities: // these only look, or tell where a domain would be made
		as, ok = r.of.(T)
	}
	return as, ok
}

// HostOf is the machine that the engine runs domains on, as far as the engine knows it.
func HostOf(e Engine) Host {
	if known, ok := As[Host](e); ok {
		return known
	}
	return unknownHost{}
}

// unknownHost has no KVM that is known of, and may have UEFI.
type unknownHost struct{}

func (unknownHost) HasKVM(string) bool  { return false }
func (unknownHost) HasUEFI(string) bool { return true }
