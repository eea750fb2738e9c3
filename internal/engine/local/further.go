package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/image/qcow2"
	"coreos-libvirt/internal/terminal/hint"
)

// further are the names of the node's further disks that there are, sorted.
func further(node engine.Files) (names []string, err error) {
	entries, err := os.ReadDir(filepath.Dir(node.Overlay))
	for _, entry := range entries {
		if name := node.FurtherName(filepath.Join(filepath.Dir(node.Overlay), entry.Name())); name != "" {
			names = append(names, name)
		}
	}
	return names, unlessGone(err)
}

// lookFurther notes what there is of the node's further disks. One that a guest may be writing to, or that not everybody may
// read, may have data.
func lookFurther(ctx context.Context, disk *engine.Disk, node engine.Files, domain engine.Domain) (err error) {
	if disk.Further, err = further(node); err != nil {
		return err
	}
	for _, name := range disk.Further {
		empty := false
		if path := node.Further(name); !domain.InUse() && mayRead(path) {
			empty, _ = qcow2.Pristine(ctx, path) // what is no qcow2 file is somebody's
		}
		if !empty {
			disk.Data = append(disk.Data, name)
		}
	}
	disk.Pristine = disk.Pristine && len(disk.Data) == 0
	return nil
}

// isFurther reports whether the path is one of the node's further disks, or stands on one.
func isFurther(node engine.Files, path string) bool {
	names, _ := further(node)
	return slices.ContainsFunc(names, func(name string) bool {
		return same(path, node.Further(name)) || standsOn(path, node.Further(name))
	})
}

// Prepare makes an overlay and empty disks in the node's folder.
func (d *Disks) Prepare(ctx context.Context, node engine.Files, base string, gib int, further []engine.FurtherDisk) (engine.Prepared, error) {
	made := prepared{node: node}
	path, err := qcow2.Prepare(ctx, node.Overlay, base, gib)
	if err != nil {
		return made, err
	}
	made.files = append(made.files, beside{path, node.Overlay})
	for _, disk := range further {
		path, err := qcow2.PrepareEmpty(ctx, node.Further(disk.Name), disk.GiB)
		if err != nil {
			return made, errors.Join(err, made.Discard())
		}
		made.files = append(made.files, beside{path, node.Further(disk.Name)})
	}
	return made, nil
}

// Sweep removes files that were to be a disk of the node's.
func (*Disks) Sweep(node engine.Files) error {
	dir := filepath.Dir(node.Overlay)
	return qcow2.Sweep(dir, func(image string) bool { return node.Disk(filepath.Join(dir, image)) != "" })
}

// Add makes an empty disk in the node's folder.
func (d *Disks) Add(ctx context.Context, node engine.Files, further engine.FurtherDisk) error {
	path := node.Further(further.Name)
	if _, err := os.Lstat(path); err == nil {
		if empty, err := qcow2.Pristine(ctx, path); err != nil || !empty {
			return hint.Errorf("move it away", "%s is there already, and may have data", path)
		}
	}
	made, err := qcow2.PrepareEmpty(ctx, path, further.GiB)
	if err != nil {
		return err
	}
	return os.Rename(made, path)
}

// Drop removes the file.
func (d *Disks) Drop(node engine.Files, name string) error {
	return unlessGone(os.Remove(node.Further(name)))
}

// Grow changes the file.
func (d *Disks) Grow(ctx context.Context, node engine.Files, further engine.FurtherDisk) error {
	return qcow2.Grow(ctx, node.Further(further.Name), further.GiB)
}

// prepared are files beside the node's own; the first is its overlay.
type prepared struct {
	node  engine.Files
	files []beside
}

// beside is a file at a path, and where it is to be.
type beside struct{ path, place string }

// Place renames them, the overlay at last: a node that has it has all. What further disks the node had go. QEMU reads the
// Ignition document where it is.
func (p prepared) Place() error {
	had, err := further(p.node)
	if err != nil {
		return err
	}
	for i := len(p.files) - 1; i >= 0; i-- {
		if err := os.Rename(p.files[i].path, p.files[i].place); err != nil {
			return err
		}
	}
	for _, name := range had {
		path := p.node.Further(name)
		if !slices.ContainsFunc(p.files, func(f beside) bool { return f.place == path }) {
			err = errors.Join(err, unlessGone(os.Remove(path)))
		}
	}
	return err
}

// Discard removes the files.
func (p prepared) Discard() (err error) {
	for _, file := range p.files {
		err = errors.Join(err, unlessGone(os.Remove(file.path)))
	}
	return err
}

func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
