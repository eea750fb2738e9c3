// Package local has the files of nodes whose engine runs on this host: they are where the workspace has them.
package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/image/qcow2"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// Disks are files of this host: QEMU, which runs here, has them by their own paths.
type Disks struct{ writes writes }

// Seen are the paths as they are.
func (*Disks) Seen(node engine.Files) engine.Files { return node }

// Look reads the disk's header. The disk is not pristine if a guest may be writing to it. Not everybody may read what a guest
// wrote, and after a guest ran the file may belong to QEMU's user: then its backing file is not known.
func (*Disks) Look(ctx context.Context, node engine.Files, domain engine.Domain) (engine.Disk, error) {
	disk, err := look(ctx, node.Overlay, domain)
	if err == nil {
		err = lookFurther(ctx, &disk, node, domain)
	}
	if err != nil {
		return disk, err
	}
	if disk.Instead, disk.OnTop = instead(node, domain); disk.Instead != "" {
		disk.Backing, disk.Pristine = qcow2.Backing(node.Overlay), false // what the domain says is of the other
	}
	return disk, nil
}

func look(ctx context.Context, path string, domain engine.Domain) (engine.Disk, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return engine.Disk{}, nil
	} else if err != nil { // there may be one: a network's file system that does not answer
		return engine.Disk{}, fmt.Errorf("cannot look at the disk: %w", err)
	}
	disk := engine.Disk{Exists: true, Backing: domain.Backing}
	if domain.InUse() && disk.Backing != "" || !mayRead(path) {
		return disk, nil
	}
	info, err := qcow2.Inspect(ctx, path)
	if err != nil {
		return engine.Disk{}, hint.Add(err, "`mage down` clears it away")
	}
	disk.Backing = info.Backing
	if !domain.InUse() && stands(info.Backing) { // else nothing tells whether a guest has written to it
		disk.Pristine, err = qcow2.Pristine(ctx, path)
	}
	return disk, err
}

// stands reports whether what a disk stands on is there, or may be.
func stands(backing string) bool {
	_, err := os.Stat(backing)
	return backing == "" || !errors.Is(err, fs.ErrNotExist)
}

func mayRead(path string) bool {
	file, err := os.Open(path)
	if err == nil {
		_ = file.Close()
	}
	return !errors.Is(err, fs.ErrPermission)
}

// Size is what the files take on this host's file system, without their holes.
func (*Disks) Size(node engine.Files) (bytes int64, disks int) {
	names, _ := further(node)
	paths := []string{node.Overlay}
	for _, name := range names {
		paths = append(paths, node.Further(name))
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		disks++
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			bytes += stat.Blocks * 512
		} else {
			bytes += info.Size()
		}
	}
	return bytes, disks
}

// Under reads the disk's header.
func (*Disks) Under(_ engine.Domain, disk string) string { return qcow2.Backing(disk) }

// Remove removes the files, that of the first disk at last.
func (*Disks) Remove(node engine.Files) error {
	names, err := further(node)
	for _, name := range names {
		err = errors.Join(err, unlessGone(os.Remove(node.Further(name))))
	}
	if err != nil {
		return err
	}
	return unlessGone(os.Remove(node.Overlay))
}

// Clear removes the files, the disk first.
func (d *Disks) Clear(node engine.Files) error {
	if err := d.Remove(node); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(node.Ignition), os.RemoveAll(node.Console), removeMoved(node.Console))
}

// WriteDocument writes the file, if it is another one than `mage render` has written.
func (*Disks) WriteDocument(node engine.Files, document []byte) error {
	_, err := artifact.WriteIfChanged(node.Ignition, document, 0o600)
	return err
}

// Document reads the file. fs.ErrPermission says that it belongs to QEMU's user by now.
func (*Disks) Document(node engine.Files) ([]byte, error) { return os.ReadFile(node.Ignition) }

// BeginLog makes the file, which belongs to the user: libvirt's log daemon only appends to it. What was moved away of the boot
// before goes.
func (*Disks) BeginLog(node engine.Files) error {
	if err := removeMoved(node.Console); err != nil {
		return fmt.Errorf("cannot remove an earlier console log: %w", err)
	}
	if err := os.WriteFile(node.Console, nil, 0o600); err != nil {
		return fmt.Errorf("cannot begin the console log: %w", err)
	}
	return nil
}

// Log is the file.
func (d *Disks) Log(node engine.Files) engine.Log { return log{path: node.Console, writes: &d.writes} }
