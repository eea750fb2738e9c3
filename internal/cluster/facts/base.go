package facts

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/workspace"
)

// Unbootable is why a disk must not be booted: the base image that it was made on is gone, or is another file now. An overlay has
// the blocks that the guest wrote, and on other ones than before they are a broken file system. Or a further disk is gone. made is
// what the disk was made from; nil if that is not known.
func Unbootable(node workspace.Node, disk engine.Disk, made *engine.Metadata) (none plan.Obstacle) {
	if made == nil {
		made = &engine.Metadata{}
	}
	if o := incomplete(node, disk, made); !o.None() {
		return o
	}
	path := cmp.Or(disk.Backing, made.Base)
	if !disk.Exists || path == "" {
		return none
	}
	now, err := base.IdentityOf(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return plan.Obstacle{What: fmt.Sprintf("its base image %s is gone, and its disk stands on that", path), Way: "put the file back"}
	case err != nil || made.Image == "" || path != made.Base || now == made.Image:
		return none
	}
	return plan.Obstacle{
		What: fmt.Sprintf("its base image %s was replaced since its disk was made on it: it had %s, and has %s", path, made.Image, now),
		Way:  "put the file of before back, with its time (cp --preserve=timestamps)",
	}
}

// incomplete is that a further disk of the node's is gone, without which its domain cannot be started.
func incomplete(node workspace.Node, disk engine.Disk, made *engine.Metadata) (none plan.Obstacle) {
	for _, has := range engine.DisksOf(made.Disks) {
		if !slices.Contains(disk.Further, has.Name) {
			path := node.Files().Further(has.Name)
			return plan.Obstacle{What: fmt.Sprintf("its disk %s is gone: %s", has.Name, path), Way: "put the file back"}
		}
	}
	return none
}
