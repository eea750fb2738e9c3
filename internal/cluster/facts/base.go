package facts

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/image/base"
)

// Unbootable is why a disk must not be booted: the base image that it was made on is gone, or is another file now. An overlay has
// the blocks that the guest wrote, and on other ones than before they are a broken file system. made is what the disk was made
// from; nil if that is not known.
func Unbootable(disk engine.Disk, made *engine.Metadata) (none plan.Obstacle) {
	if made == nil {
		made = &engine.Metadata{}
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
