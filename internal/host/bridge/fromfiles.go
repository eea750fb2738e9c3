package bridge

import (
	"context"
	"fmt"
	"strings"

	"coreos-libvirt/internal/host/step"
)

// FromFiles is a bridge that comes of files, and of commands before and after they are written.
type FromFiles struct {
	Name  string       `json:"name"`
	NIC   string       `json:"nic"`
	Files []*step.File `json:"files"`
	Down  []string     `json:"down"`  // with the former files
	Up    []string     `json:"up"`    // with the new files
	Back  []string     `json:"back"`  // undoes Up
	Again []string     `json:"again"` // undoes Down
}

// Commands would do it.
func (b *FromFiles) Commands() []string {
	all := append([]string{}, b.Down...)
	for _, f := range b.Files {
		all = append(all, f.Commands()...)
	}
	return append(all, b.Up...)
}

// script brings back what was there before.
func (b *FromFiles) script() string {
	lines := append([]string{}, b.Back...)
	for _, f := range b.Files {
		lines = append(lines, f.Back())
	}
	return strings.Join(append(lines, b.Again...), "\n")
}

// forth makes the bridge, as a script.
func (b *FromFiles) forth() string {
	lines := append([]string{}, b.Down...)
	for _, f := range b.Files {
		lines = append(lines, f.Forth())
	}
	return strings.Join(append(lines, b.Up...), "\n")
}

// Do makes the bridge, with what the card carries now as what it must carry.
func (b *FromFiles) Do(ctx context.Context, m step.Machine) error {
	carried := m.Root.Uplink(b.NIC)
	m.Say("%s: the network is away for a moment; if the bridge does not carry it, all is taken back within %s", b.Name, m.Rollback)
	change := func() error {
		if err := apart(strings.Join(b.Down, "\n"), true); err != nil {
			return err
		}
		for _, f := range b.Files {
			if err := f.Do(ctx, m); err != nil {
				return err
			}
		}
		return apart(strings.Join(b.Up, "\n"), true)
	}
	return guarded(ctx, m, b.script(), change, func() error { return m.Root.Carries(b.Name, carried) })
}

// Undo brings the files and the card's address back, unless somebody has edited the files since. Where the card
// does not carry what the bridge did, or this process ends before that is seen, the bridge is made again.
func (b *FromFiles) Undo(ctx context.Context, m step.Machine) error {
	changed := false
	for _, f := range b.Files {
		written, err := f.Written(m)
		if err != nil {
			return err
		}
		changed = changed || written
	}
	if !changed {
		return nil // it was taken back, or never begun
	}
	carried := m.Root.Uplink(b.Name)
	m.Say("%s: the network is away for a moment; if %s does not carry it, the bridge is made again within %s", b.Name, b.NIC, m.Rollback)
	back := fmt.Sprintf("within=%.0f\n%s", m.Rollback.Seconds()*margin, b.script()) // else the guard would wait for it
	return guarded(ctx, m, b.forth(), func() error { return apart(back, false) }, func() error { return m.Root.Carries(b.NIC, carried) })
}
