//go:build cgo && libvirt_dlopen

// Package snapshots has libvirt make snapshots inside qcow2 files, and go back to them.
package snapshots

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"coreos-libvirt/internal/engine/libvirt/refusal"

	"libvirt.org/go/libvirt"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt/domainxml"
)

// Kept are the snapshots of the domains of one libvirt.
type Kept struct {
	With   func(domain string, do func(*libvirt.Domain) error) error // does something with the domain, if need be twice
	Called func()                                                    // counts a further call of libvirt's
}

// Snapshots are all of the domain, whoever made them.
func (s Kept) Snapshots(domain string) (all []engine.Snapshot, err error) {
	err = s.With(domain, func(dom *libvirt.Domain) error {
		found, err := dom.ListAllSnapshots(0)
		all = nil // of an earlier try
		for i := range found {
			one, failed := s.read(&found[i])
			_ = found[i].Free()
			all, err = append(all, one), errors.Join(err, failed)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("libvirt does not list its snapshots: %w", refusal.Plain(err))
	}
	slices.SortStableFunc(all, func(a, b engine.Snapshot) int { return cmp.Or(a.Made.Compare(b.Made), strings.Compare(a.Name, b.Name)) })
	return all, nil
}

func (s Kept) read(one *libvirt.DomainSnapshot) (engine.Snapshot, error) {
	s.Called()
	text, err := one.GetXMLDesc(0)
	if err != nil {
		return engine.Snapshot{}, err
	}
	return domainxml.ParseSnapshot(text)
}

// Pause stops the domain's processors. One that is paused is not an error.
func (s Kept) Pause(domain string) error {
	err := s.With(domain, func(dom *libvirt.Domain) error {
		if state, _, err := dom.GetState(); err != nil || state == libvirt.DOMAIN_PAUSED {
			return err
		}
		return dom.Suspend()
	})
	if err != nil {
		return fmt.Errorf("cannot be paused: %w", refusal.Plain(err))
	}
	return nil
}

// TakeSnapshot makes one, unless a call whose answer was lost has made it.
func (s Kept) TakeSnapshot(domain, name, note string) error {
	text, err := domainxml.Snapshot(name, note)
	if err != nil {
		return err
	}
	err = s.With(domain, func(dom *libvirt.Domain) error {
		if there, err := s.of(dom, name, note); err == nil {
			return there.Free()
		}
		made, err := dom.CreateSnapshotXML(text, 0)
		if err == nil {
			err = made.Free()
		}
		return err
	})
	return snapshotError(err)
}

// snapshotError is why libvirt makes no snapshot. That the firmware's variables are no qcow2 file is the commonest reason why
// it makes none of a guest that runs: QEMU would have no place for them. What else cannot be migrated cannot be saved either.
func snapshotError(err error) error {
	if err == nil {
		return nil
	}
	text := refusal.Plain(err).Error()
	if strings.Contains(text, "pflash") || strings.Contains(text, "nvram") || strings.Contains(text, "migrat") {
		return fmt.Errorf("%w: %s", engine.ErrNoMemorySnapshot, text)
	}
	return fmt.Errorf("libvirt makes no snapshot: %s", text)
}

// of is the domain's snapshot of that name, if it has the note.
func (s Kept) of(dom *libvirt.Domain, name, note string) (*libvirt.DomainSnapshot, error) {
	s.Called()
	found, err := dom.SnapshotLookupByName(name, 0)
	if err != nil {
		return nil, err
	}
	has, err := s.read(found)
	if err == nil && has.Note != note {
		err = fmt.Errorf("the snapshot %s is somebody else's", name)
	}
	if err != nil {
		_ = found.Free()
		return nil, err
	}
	return found, nil
}

// Revert takes the domain back. FORCE allows QEMU to be started again for that.
func (s Kept) Revert(domain string, to engine.Snapshot) error {
	flags := libvirt.DOMAIN_SNAPSHOT_REVERT_FORCE
	if to.Memory {
		flags |= libvirt.DOMAIN_SNAPSHOT_REVERT_PAUSED
	}
	err := s.With(domain, func(dom *libvirt.Domain) error {
		snap, err := s.of(dom, to.Name, to.Note)
		if err != nil {
			return err
		}
		defer func() { _ = snap.Free() }()
		return snap.RevertToSnapshot(flags)
	})
	if err != nil {
		return fmt.Errorf("libvirt does not take it back: %w", refusal.Plain(err))
	}
	return nil
}

// RemoveSnapshot removes the snapshot with what of the disks only it has.
func (s Kept) RemoveSnapshot(domain, name, note string) error {
	err := s.With(domain, func(dom *libvirt.Domain) error {
		snap, err := s.of(dom, name, note)
		if err != nil {
			return err
		}
		defer func() { _ = snap.Free() }()
		return snap.Delete(0)
	})
	if errors.Is(err, libvirt.ERR_NO_DOMAIN_SNAPSHOT) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("libvirt does not remove its snapshot: %w", refusal.Plain(err))
	}
	return nil
}
