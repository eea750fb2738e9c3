//go:build cgo && libvirt_dlopen

// Package machine is what a libvirt says of its host: what one that is on that host reads in its files.
package machine

import (
	"errors"
	"strings"

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
	if !errors.Is(err, libvirt.ERR_NO_INTERFACE) {
		return err == nil, err == nil
	}
	return m.hasDevice(name), true
}

// hasDevice looks for the link among the host's devices: one driver of libvirt's for interfaces (netcf) knows only those that a file
// configures.
func (m Machine) hasDevice(link string) (there bool) {
	_ = m.Use(func(conn *libvirt.Connect) error {
		all, err := conn.ListAllNodeDevices(libvirt.CONNECT_LIST_NODE_DEVICES_CAP_NET)
		for i := range all {
			name, err := all[i].GetName() // net_br0_52_54_00_…
			there = there || err == nil && strings.HasPrefix(name, "net_"+link+"_")
			_ = all[i].Free()
		}
		return err
	})
	return there
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
