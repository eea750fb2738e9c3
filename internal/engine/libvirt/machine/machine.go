//go:build cgo && libvirt_dlopen

// Package machine is what a libvirt tells of its host: what one that is on that host reads in its files.
package machine

import (
	"errors"

	"libvirt.org/go/libvirt"
)

// Machine is the host of a libvirt.
type Machine struct {
	Use func(func(*libvirt.Connect) error) error // does something with a connection, if need be twice
}

// HasLink looks for the bridge or card among the host's. A libvirt without a driver for that does not know.
func (m Machine) HasLink(name string) (there, known bool) {
	err := m.Use(func(conn *libvirt.Connect) error {
		link, err := conn.LookupInterfaceByName(name)
		if err == nil {
			err = link.Free()
		}
		return err
	})
	return err == nil, err == nil || errors.Is(err, libvirt.ERR_NO_INTERFACE)
}

// FreeMemory is how many bytes of the host's memory are free, and how many it has (virNodeGetMemoryStats: what is cached counts as free).
func (m Machine) FreeMemory() (free, all int64, err error) {
	err = m.Use(func(conn *libvirt.Connect) error {
		stats, err := conn.GetMemoryStats(libvirt.NODE_MEMORY_STATS_ALL_CELLS, 0)
		if err == nil {
			free, all = int64(stats.Free+stats.Cached+stats.Buffers)<<10, int64(stats.Total)<<10 //nolint:gosec // of KiB
		}
		return err
	})
	var e libvirt.Error
	if errors.As(err, &e) {
		err = errors.New(e.Message)
	}
	return free, all, err
}
