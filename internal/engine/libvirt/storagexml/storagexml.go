// Package storagexml is what libvirt writes and reads of storage pools and their volumes (https://libvirt.org/formatstorage.html).
// It needs no libvirt.
package storagexml

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"libvirt.org/go/libvirtxml"
)

// The formats of volumes.
const (
	QCOW2 = "qcow2"
	Raw   = "raw"
)

// Volume is one that is to be made.
type Volume struct {
	Name    string
	Format  string // QCOW2 or Raw
	Bytes   int64  // that a guest sees of it; of a raw one the length of the file
	Backing string // path of the qcow2 image that it stands on; empty if it stands alone
	Mode    int    // of the file
}

// Info is what there is of a volume.
type Info struct {
	Length   int64     // bytes of the file
	Takes    int64     // bytes that it takes on its file system
	Written  time.Time // by the clock of the pool's host
	Backing  string    // path of what it stands on; empty if it stands alone
	Capacity int64     // bytes that a guest sees of it
}

// Pool is a pool that is a folder: QEMU's user gets to files whose names it knows.
func Pool(name, folder string) (string, error) {
	return (&libvirtxml.StoragePool{
		Type: "dir", Name: name,
		Target: &libvirtxml.StoragePoolTarget{Path: folder, Permissions: &libvirtxml.StoragePoolTargetPermissions{Mode: "0711"}},
	}).Marshal()
}

// ParsePool gives the kind of the pool, and its folder.
func ParsePool(text string) (kind, folder string, err error) {
	var x libvirtxml.StoragePool
	if err := x.Unmarshal(text); err != nil {
		return "", "", fmt.Errorf("cannot read a storage pool's definition: %w", err)
	}
	if x.Target != nil {
		folder = x.Target.Path
	}
	return x.Type, folder, nil
}

// Marshal is the volume as libvirt reads it. Nothing of it is allocated.
func (v Volume) Marshal() (string, error) {
	x := libvirtxml.StorageVolume{
		Name: v.Name, Capacity: bytes(v.Bytes), Allocation: bytes(0),
		Target: &libvirtxml.StorageVolumeTarget{
			Format:      &libvirtxml.StorageVolumeTargetFormat{Type: v.Format},
			Permissions: &libvirtxml.StorageVolumeTargetPermissions{Mode: fmt.Sprintf("%#o", v.Mode)},
		},
	}
	if v.Format == QCOW2 {
		x.Target.Compat = "1.1"
	}
	if v.Backing != "" {
		x.BackingStore = &libvirtxml.StorageVolumeBackingStore{Path: v.Backing, Format: &libvirtxml.StorageVolumeTargetFormat{Type: QCOW2}}
	}
	return x.Marshal()
}

func bytes(n int64) *libvirtxml.StorageVolumeSize {
	return &libvirtxml.StorageVolumeSize{Unit: "bytes", Value: uint64(max(n, 0))}
}

// ParseVolume reads what libvirt says of a volume.
func ParseVolume(text string) (info Info, err error) {
	var x libvirtxml.StorageVolume
	if err := x.Unmarshal(text); err != nil {
		return info, fmt.Errorf("cannot read a volume's description: %w", err)
	}
	info.Capacity, info.Takes, info.Length = size(x.Capacity), size(x.Allocation), size(x.Physical)
	if x.BackingStore != nil {
		info.Backing = x.BackingStore.Path
	}
	if x.Target != nil && x.Target.Timestamps != nil {
		info.Written = timeOf(x.Target.Timestamps.Mtime)
	}
	return info, nil
}

func size(of *libvirtxml.StorageVolumeSize) int64 {
	if of == nil {
		return 0
	}
	return int64(of.Value) //nolint:gosec // no file is larger
}

// timeOf is the time that libvirt writes as seconds since 1970 with nine digits behind the point; zero if it is none.
func timeOf(text string) time.Time {
	seconds, rest, _ := strings.Cut(text, ".")
	s, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Time{}
	}
	n, _ := strconv.ParseInt((rest + "000000000")[:9], 10, 64)
	return time.Unix(s, n)
}
