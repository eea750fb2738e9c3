// Package setup makes a machine ready for nodes, step by step, and takes that back by the record of what was done.
package setup

import (
	"context"

	"coreos-libvirt/internal/host/bridge"
	"coreos-libvirt/internal/host/step"
)

// Machine is what is set up.
type Machine = step.Machine

// Wanted is what the machine is to be ready for.
type Wanted struct {
	Bridge  string // to be made if it is not there; empty if none is needed
	NIC     string // its port, or empty: the card of the default route
	Network string // of libvirt's, to be started; empty if none is needed
	User    string // who is to use libvirt, or empty: only root does
	Session bool   // whether that is by a libvirt of the user's own
}

// kinds are all steps of a set-up, by their names in the record.
var kinds = step.Kinds{
	"packages":       func() step.Step { return &step.Packages{} },
	"service":        func() step.Step { return &Service{} },
	"group":          func() step.Step { return &Group{} },
	"file":           func() step.Step { return &step.File{} },
	"sysctl":         func() step.Step { return &step.Sysctl{} },
	"rule":           func() step.Step { return &Rule{} },
	"nftables rule":  func() step.Step { return &ChainRule{} },
	"zone":           func() step.Step { return &Zone{} },
	"network":        func() step.Step { return &Network{} },
	"setuid":         func() step.Step { return &Setuid{} },
	"networkmanager": func() step.Step { return &bridge.Managed{} },
	"bridge files":   func() step.Step { return &bridge.FromFiles{} },
}

// Apply takes the steps. Each is in the record before it begins, so that whatever happens it can be undone.
func Apply(ctx context.Context, m Machine, steps []step.Planned) error {
	return kinds.Apply(ctx, m, steps)
}

// Undo takes back what the record says, the last first. What cannot be taken back stays in the record.
func Undo(ctx context.Context, m Machine) error { return kinds.Undo(ctx, m) }
