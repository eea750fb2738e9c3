package volumes

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
)

// Look looks for the volumes. What a disk stands on, and whether a guest has written to it, its first bytes say; a running domain's
// is not read.
func (d *Disks) Look(_ context.Context, node engine.Files, domain engine.Domain) (disk engine.Disk, err error) {
	names, err := d.names()
	if err != nil {
		return disk, fmt.Errorf("cannot look at the disk: %w", err)
	}
	seen, first := d.Seen(node), named(node).Overlay
	disk.Exists, disk.Further = slices.Contains(names, first), furtherIn(names, node)
	d.lookFurther(&disk, node, domain)
	stands := domain.Backing
	if disk.Exists && (!domain.InUse() || stands == "") {
		stands, disk.Pristine, err = d.head(first)
	}
	if err != nil {
		return engine.Disk{}, hint.Add(fmt.Errorf("%s: %w", seen.Overlay, err), "`mage down` clears it away")
	}
	disk.Pristine = disk.Pristine && !domain.InUse() && len(disk.Data) == 0
	disk.Copied, disk.Lost = d.standsIn(names, stands)
	if disk.Instead, disk.OnTop = d.instead(seen, domain); disk.Instead != "" {
		disk.Pristine = false
	}
	return disk, nil
}

// lookFurther notes which of the further disks a guest may have written to.
func (d *Disks) lookFurther(disk *engine.Disk, node engine.Files, domain engine.Domain) {
	for _, name := range disk.Further {
		empty := false
		if !domain.InUse() {
			_, empty, _ = d.head(named(node).Further(name)) // what is no qcow2 image is somebody's
		}
		if !empty {
			disk.Data = append(disk.Data, name)
		}
	}
}

// standsIn tells of what a disk stands on whether it is in the pool, or was.
func (d *Disks) standsIn(names []string, stands string) (copied bool, lost string) {
	name := filepath.Base(stands)
	if stands == "" || stands != d.pool.Path(name) {
		return stands != "", "" // somebody's own, which is not looked for
	}
	if slices.Contains(names, name) {
		return true, ""
	}
	return false, stands
}

// longestChain is how many files a disk may stand on, one on the other.
const longestChain = 64

// instead is the file that the domain has in the place of the node's first disk, and whether that stands on the disk.
func (d *Disks) instead(seen engine.Files, domain engine.Domain) (path string, onTop bool) {
	for _, has := range domain.Disks {
		switch {
		case has == seen.Overlay:
			return "", false
		case seen.FurtherName(has) != "" || d.standsOn(domain, has, func(disk string) bool { return seen.FurtherName(disk) != "" }):
		case domain.Backing == seen.Overlay, d.standsOn(domain, has, func(disk string) bool { return disk == seen.Overlay }):
			return has, true
		case path == "":
			path = has
		}
	}
	return path, false
}

// standsOn reports whether the disk stands on such a one, itself or by others.
func (d *Disks) standsOn(domain engine.Domain, disk string, such func(string) bool) bool {
	for range longestChain {
		if disk = d.Under(domain, disk); disk == "" || such(disk) {
			return disk != ""
		}
	}
	return false
}
