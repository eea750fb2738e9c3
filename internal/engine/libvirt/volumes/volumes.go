// Package volumes has the files of nodes whose engine runs on another host: volumes of a storage pool of its libvirt. No path of
// them is looked up on this host, and nothing is copied but through libvirt.
package volumes

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt/storagexml"
	"coreos-libvirt/internal/terminal/progress"
)

// Pool is where the volumes are. Each call may be made again if its answer was lost. What is asked of a volume that is not there
// gives fs.ErrNotExist.
type Pool interface {
	Name() string
	URI() string
	// Make makes sure that there is the pool.
	Make() error
	// Path is the path that a volume of that name has, or would have, as the engine sees it.
	Path(name string) string
	// Free is how many bytes are free.
	Free() (bytes int64, err error)
	// Names are those of all volumes: none if there is no pool.
	Names() ([]string, error)
	Info(name string) (storagexml.Info, error)
	// At is the same of the file at a path, in any pool.
	At(path string) (storagexml.Info, error)
	// Create makes a volume of which there is none.
	Create(v storagexml.Volume) error
	// Remove removes a volume. That there is none is not an error.
	Remove(name string) error
	// Grow gives a qcow2 volume that many bytes, if a guest sees less of it.
	Grow(name string, bytes int64) error
	// Write writes bytes from the offset on. They are there when it returns without an error.
	Write(name string, offset int64, data []byte) error
	// Read reads into data what there is from the offset on: fewer bytes than data has are all up to the end.
	Read(name string, offset int64, data []byte) (n int, err error)
}

// Options are how a run uses a pool.
type Options struct {
	Pool  string               // its name; empty: the project's own, which is made if it is not there
	Locks string               // a folder of this host: runs that have the same one do not upload the same image at once
	Log   func() *progress.Log // says what is uploaded
	Fetch Fetcher              // has the pool's host fetch images; nil: all are uploaded
}

// Fetcher has the host of the pool fetch base images, so that they need not be on this one.
type Fetcher interface {
	// Fetches reports whether it does so with the image that is, or would be, at the path here.
	Fetches(path string) bool
	// Known is the sha256 of that image, in hex; empty if it is not known.
	Known(path string) string
	// Fetch brings the image into the pool, whole, and gives its sha256.
	Fetch(ctx context.Context, path, pool string) (sha256 string, err error)
}

// Disks are volumes of a pool.
type Disks struct {
	*store
	bases *bases
	under sync.Map // what disks stand on, by path
	logs  sync.Map // *turns, by the name of the log
}

// New are those in the pool.
func New(pool Pool, o Options) *Disks {
	in := &store{pool: pool}
	return &Disks{store: in, bases: &bases{store: in, o: o, digests: map[string]string{}, brought: map[string]brought{}, failed: map[string]error{}}}
}

// Free is how many bytes are free in the pool, and what it is called. fs.ErrNotExist says that it is still to be made.
func (d *Disks) Free() (bytes int64, pool string, err error) {
	bytes, err = d.pool.Free()
	return bytes, d.pool.Name(), err
}

// Endings of volumes' names. Nothing else ends like a disk.
const (
	documentEnding = ".ign"
	logEnding      = ".log"
	newEnding      = ".new"
)

// stem is what the names of all volumes of the node begin with: its name, and a part of its UUID, so that those of another
// workspace's node of that name are others.
func stem(node engine.Files) string {
	name := strings.TrimSuffix(filepath.Base(node.Overlay), engine.DiskEnding)
	if owner := node.Owner; owner != "" {
		name += "." + owner[:min(len(owner), 8)]
	}
	return name
}

// named are the node's files by the names of their volumes.
func named(node engine.Files) engine.Files {
	begin := stem(node)
	node.Ignition, node.Overlay, node.Console = begin+documentEnding, begin+engine.DiskEnding, begin+logEnding
	return node
}

// Seen are the volumes' paths on the pool's host.
func (d *Disks) Seen(node engine.Files) engine.Files {
	node = named(node)
	for _, name := range []*string{&node.Ignition, &node.Overlay, &node.Console} {
		*name = d.pool.Path(*name)
	}
	return node
}

// furtherIn are the names of the node's further disks among the volumes, sorted.
func furtherIn(names []string, node engine.Files) (further []string) {
	for _, name := range names {
		if of := named(node).FurtherName(name); of != "" {
			further = append(further, of)
		}
	}
	slices.Sort(further)
	return further
}

// Size is what the volumes take on the pool's file system, without their holes.
func (d *Disks) Size(node engine.Files) (bytes int64, disks int) {
	for _, name := range d.disksOf(node) {
		if info, err := d.pool.Info(name); err == nil {
			bytes, disks = bytes+info.Takes, disks+1
		}
	}
	return bytes, disks
}

// disksOf are the names of the node's disks that there are, the first at last.
func (d *Disks) disksOf(node engine.Files) (disks []string) {
	names, _ := d.names()
	for _, further := range furtherIn(names, node) {
		disks = append(disks, named(node).Further(further))
	}
	if first := named(node).Overlay; slices.Contains(names, first) {
		disks = append(disks, first)
	}
	return disks
}

// Under is the volume's backing store. Of a file that is in no pool it is not known.
func (d *Disks) Under(_ engine.Domain, disk string) string {
	if known, ok := d.under.Load(disk); ok {
		return known.(string)
	}
	info, err := d.pool.At(disk)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		d.under.Store(disk, info.Backing)
	}
	return info.Backing
}

// Remove removes the volumes, that of the first disk at last.
func (d *Disks) Remove(node engine.Files) error {
	names, err := d.names()
	if err != nil {
		return err
	}
	for _, further := range furtherIn(names, node) {
		err = errors.Join(err, d.remove(named(node).Further(further)))
	}
	if err != nil || !slices.Contains(names, named(node).Overlay) {
		return err
	}
	return d.remove(named(node).Overlay)
}

// Clear removes the volumes, the disk first.
func (d *Disks) Clear(node engine.Files) error {
	if err := d.Remove(node); err != nil {
		return err
	}
	names, err := d.names()
	if err != nil {
		return err
	}
	begin, rest := stem(node), []string{}
	for _, name := range names {
		if name == begin+documentEnding || isLog(node, name) || isTrial(node, name) {
			rest = append(rest, name)
		}
	}
	return d.remove(rest...)
}

// Holds looks at the pool once. A volume of another workspace's node may count as the node's.
func (d *Disks) Holds() (has func(node engine.Files) bool, err error) {
	names, err := d.names()
	return func(node engine.Files) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			rest, is := strings.CutPrefix(name, stem(node))
			return is && strings.HasPrefix(rest, ".") || is && strings.HasPrefix(rest, "-")
		})
	}, err
}

// isTrial reports whether the volume is one that Prepare of this or an earlier run has made for the node.
func isTrial(node engine.Files, name string) bool {
	disk, ends := strings.CutSuffix(name, newEnding)
	return ends && (strings.HasPrefix(disk, named(node).Overlay+".") || strings.HasPrefix(disk, stem(node)+"-"))
}

var (
	_ engine.Disks  = (*Disks)(nil)
	_ engine.Holder = (*Disks)(nil)
)

// Grow changes the volume.
func (d *Disks) Grow(_ context.Context, node engine.Files, further engine.FurtherDisk) error {
	return d.pool.Grow(named(node).Further(further.Name), int64(further.GiB)<<30)
}
