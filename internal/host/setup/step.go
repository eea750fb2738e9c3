// Package setup makes a machine ready for nodes, step by step, and takes that back by the record that it keeps.
package setup

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"coreos-libvirt/internal/host"
)

// Machine is what is set up.
type Machine struct {
	Root     host.Root
	Rollback time.Duration // after which a bridge that cuts the host off is taken back
	Say      func(format string, args ...any)
}

// Wanted is what the machine is to be ready for.
type Wanted struct {
	Bridge  string // to be made where it is not there; empty where none is needed
	NIC     string // its port, or empty: the card of the default route
	Network string // of libvirt's, to be started; empty where none is needed
	User    string // who is to use libvirt, or empty: only root does
	Session bool   // whether that is by a libvirt of the user's own
}

// Step is one change of the machine. Its fields are what the record keeps: all that Undo needs.
type Step interface {
	// Commands would do the same by hand.
	Commands() []string
	Do(ctx context.Context, m Machine) error
	// Undo brings back what was there before. It does no harm where Do was never called, or came half way.
	Undo(ctx context.Context, m Machine) error
}

// Planned is a step with the words for it.
type Planned struct {
	Title string // what it makes
	Why   string
	Step  Step
}

// kinds are the steps by their names in the record.
var kinds = map[string]func() Step{
	"packages":       func() Step { return &Packages{} },
	"service":        func() Step { return &Service{} },
	"group":          func() Step { return &Group{} },
	"file":           func() Step { return &File{} },
	"sysctl":         func() Step { return &Sysctl{} },
	"rule":           func() Step { return &Rule{} },
	"nftables rule":  func() Step { return &ChainRule{} },
	"zone":           func() Step { return &Zone{} },
	"network":        func() Step { return &Network{} },
	"setuid":         func() Step { return &Setuid{} },
	"networkmanager": func() Step { return &ManagedBridge{} },
	"bridge files":   func() Step { return &FilesBridge{} },
}

func kindOf(s Step) string {
	for kind, empty := range kinds {
		if reflect.TypeOf(empty()) == reflect.TypeOf(s) {
			return kind
		}
	}
	return ""
}

func decode(kind string, data json.RawMessage) (Step, error) {
	empty, known := kinds[kind]
	if !known {
		return nil, fmt.Errorf("a step of the kind %q is not known to this version", kind)
	}
	step := empty()
	return step, json.Unmarshal(data, step)
}
