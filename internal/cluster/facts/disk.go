package facts

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/image"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// Disk looks at a node's overlay. It is not pristine if a guest may be writing to it. Not everybody may read what a guest
// wrote, and after a guest ran the file may belong to QEMU's user: then its backing file is not known.
func Disk(ctx context.Context, node workspace.Node, domain engine.Domain) (plan.Disk, error) {
	if !workspace.Exists(node.Overlay()) {
		return plan.Disk{}, nil
	}
	disk := plan.Disk{Exists: true, Backing: domain.Backing}
	if domain.InUse() && disk.Backing != "" || !mayRead(node.Overlay()) {
		return disk, nil
	}
	info, err := image.Inspect(ctx, node.Overlay())
	if err != nil {
		return plan.Disk{}, hint.Add(err, "`mage down` clears it away")
	}
	disk.Backing = info.Backing
	if !domain.InUse() {
		disk.Pristine, err = image.Pristine(ctx, node.Overlay())
	}
	return disk, err
}

func mayRead(path string) bool {
	file, err := os.Open(path)
	if err == nil {
		_ = file.Close()
	}
	return !errors.Is(err, fs.ErrPermission)
}
