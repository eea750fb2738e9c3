package facts

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/workspace"
)

// Rebased is what a node was made from, with the path that a base image in the workspace has after that was moved.
func (p Place) Rebased(made *engine.Metadata) *engine.Metadata {
	if made == nil || made.Base == "" || workspace.Exists(made.Base) {
		return made
	}
	below, err := filepath.Rel(made.Workspace, made.Base)
	if moved := filepath.Join(p.Root, below); err == nil && filepath.IsLocal(below) && isOf(moved, made.Image) {
		now := *made
		now.Base = moved
		return &now
	}
	return made
}

// isOf reports whether the file at the path is the image of that identity.
func isOf(path, identity string) bool {
	now, err := base.IdentityOf(path)
	return err == nil && now == identity
}

// Unbootable is why a disk must not be booted: the base image that it was made on is gone, or is another file now. An overlay has
// the blocks that the guest wrote, and on other ones than before they are a broken file system. Or a further disk is gone. seen
// are the node's files as its engine sees them, made is what the disk was made from, as it is Rebased; nil if that is not known.
func (p Place) Unbootable(node workspace.Node, seen engine.Files, disk engine.Disk, made *engine.Metadata) (none plan.Obstacle) {
	if made = p.Rebased(made); made == nil {
		made = &engine.Metadata{}
	}
	if o := incomplete(seen, disk, made); !o.None() {
		return o
	}
	path := cmp.Or(disk.Backing, made.Base)
	switch {
	case disk.Lost != "":
		return plan.Obstacle{What: fmt.Sprintf("its base image %s is gone where libvirt runs, and its disk stands on that", disk.Lost), Way: "put it back there"}
	case !disk.Exists || disk.Copied || path == "":
		return none
	}
	return p.onBase(node, made, path)
}

// onBase is why a disk of the node, which was made from that, must not be booted on the base image that is at the path now.
func (p Place) onBase(node workspace.Node, made *engine.Metadata, path string) (none plan.Obstacle) {
	now, err := base.IdentityOf(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && path != made.Base && isOf(made.Base, made.Image):
		return plan.Obstacle{
			What: fmt.Sprintf("its disk stands on %s, and that base image is %s now", path, made.Base),
			Way:  fmt.Sprintf("`qemu-img rebase -u -F qcow2 -b %q %q` tells the disk, while the node is off", made.Base, p.Relative(node.Overlay())),
		}
	case errors.Is(err, fs.ErrNotExist):
		return plan.Obstacle{What: fmt.Sprintf("its base image %s is gone, and its disk stands on that", path), Way: "put the file back"}
	case err == nil && made.Image == "" && writtenSince(path, node.MadeOf()):
		return plan.Obstacle{What: fmt.Sprintf("its base image %s was written to after its disk was made on it", path), Way: before}
	case err != nil || made.Image == "" || path != made.Base || now == made.Image:
		return none
	}
	return plan.Obstacle{
		What: fmt.Sprintf("its base image %s was replaced since its disk was made on it: it had %s, and has %s", path, made.Image, now),
		Way:  before,
	}
}

// incomplete is that a further disk of the node's is gone, without which its domain cannot be started.
func incomplete(seen engine.Files, disk engine.Disk, made *engine.Metadata) (none plan.Obstacle) {
	for _, has := range engine.DisksOf(made.Disks) {
		if !slices.Contains(disk.Further, has.Name) {
			path := seen.Further(has.Name)
			return plan.Obstacle{What: fmt.Sprintf("its disk %s is gone: %s", has.Name, path), Way: "put the file back"}
		}
	}
	return none
}

// before is how a base image that was replaced comes back.
const before = "put the file of before back, with its time (cp --preserve=timestamps)"

// writtenSince reports whether the file was written to after the other was. A mark of an earlier version of this project has no identity
// of the image: all that is known is when the node was made.
func writtenSince(path, other string) bool {
	is, err := os.Stat(path)
	then, errThen := os.Stat(other)
	return err == nil && errThen == nil && is.ModTime().After(then.ModTime())
}
