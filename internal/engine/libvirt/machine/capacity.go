//go:build cgo && libvirt_dlopen

package machine

import (
	"errors"
	"fmt"

	"libvirt.org/go/libvirt"

	"coreos-libvirt/internal/engine"
)

// Capacity is what the host has, and what of its memory is free: what the kernel keeps of files counts as free.
func (m Machine) Capacity() (has engine.Capacity, err error) {
	err = m.Use(func(conn *libvirt.Connect) error {
		info, err := conn.GetNodeInfo()
		if err != nil {
			return err
		}
		has = engine.Capacity{CPUs: int(info.Cpus), Memory: int(info.Memory >> 10), Free: free(conn)}
		return nil
	})
	if e, is := errors.AsType[libvirt.Error](err); is {
		err = errors.New(e.Message)
	}
	if err != nil {
		err = fmt.Errorf("libvirt does not say what the host has: %w", err)
	}
	return has, err
}

// free is in MiB; -1 if the driver does not say. The test driver does not.
func free(conn *libvirt.Connect) int {
	if s, err := conn.GetMemoryStats(libvirt.NODE_MEMORY_STATS_ALL_CELLS, 0); err == nil && s.FreeSet {
		return int((s.Free + s.Buffers + s.Cached) >> 10) // KiB (virNodeMemoryStats)
	}
	return -1
}
