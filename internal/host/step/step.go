// Package step is one change of the machine, and the record of what was changed, by which that is undone.
package step

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

// Kinds are the steps that a record may have, by their names there, each made empty.
type Kinds map[string]func() Step

// of is the step's name.
func (k Kinds) of(s Step) string {
	for kind, empty := range k {
		if reflect.TypeOf(empty()) == reflect.TypeOf(s) {
			return kind
		}
	}
	return ""
}

// decode is the step of an entry.
func (k Kinds) decode(kind string, data json.RawMessage) (Step, error) {
	empty, known := k[kind]
	if !known {
		return nil, fmt.Errorf("a step of the kind %q is not known to this version", kind)
	}
	step := empty()
	return step, json.Unmarshal(data, step)
}
