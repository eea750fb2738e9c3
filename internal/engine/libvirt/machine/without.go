//go:build !cgo || !libvirt_dlopen

// Package machine, built without a C compiler or without the tag libvirt_dlopen, knows of none.
package machine

import (
	"errors"

	"coreos-libvirt/internal/engine"
)

var errNone = errors.New("this program was built without a C compiler and cannot talk to libvirt")

// Machine is never made here.
type Machine struct{}

func (Machine) HasLink(string) (there, known bool) { return false, false }
func (Machine) FreeMemory() (free, all int64, err error) {
	return 0, 0, errNone
}

// Capacity is not known.
func (Machine) Capacity() (engine.Capacity, error) { return engine.Capacity{}, errNone }
