//go:build !cgo || !libvirt_dlopen

// Package capacity, built without libvirt's binding.
package capacity

import (
	"errors"

	"coreos-libvirt/internal/engine"
)

// Of asks nobody.
type Of struct{}

// Capacity is not known.
func (Of) Capacity() (engine.Capacity, error) {
	return engine.Capacity{}, errors.New("this program was built without libvirt's binding")
}
