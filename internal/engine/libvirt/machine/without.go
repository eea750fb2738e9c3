//go:build !cgo || !libvirt_dlopen

// Package machine, built without a C compiler or without the tag libvirt_dlopen, knows of none.
package machine

import "errors"

// Machine is never made here.
type Machine struct{}

func (Machine) HasLink(string) (there, known bool) { return false, false }
func (Machine) FreeMemory() (free, all int64, err error) {
	return 0, 0, errors.New("this program was built without a C compiler and cannot talk to libvirt")
}
