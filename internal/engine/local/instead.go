package local

import (
	"os"
	"path/filepath"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/image/qcow2"
)

// longestChain is how many files a disk may stand on, one on the other.
const longestChain = 64

// instead is the file that the domain has in the place of the node's first disk, and whether that stands on the disk: `virsh
// snapshot-create-as --disk-only` makes such ones. A file that is not there is no disk: the workspace may have been moved.
func instead(node engine.Files, domain engine.Domain) (path string, onTop bool) {
	disk := node.Overlay
	for _, has := range domain.Disks {
		switch info, err := os.Stat(has); {
		case same(has, disk):
			return "", false
		case err != nil || !info.Mode().IsRegular() || isFurther(node, has):
		case standsOn(has, disk) || same(domain.Backing, disk):
			return has, true
		case path == "":
			path = has
		}
	}
	return path, false
}

// standsOn reports whether the image stands on the disk, itself or by others.
func standsOn(image, disk string) bool {
	for range longestChain {
		if image = qcow2.Backing(image); image == "" || same(image, disk) {
			return image != ""
		}
	}
	return false
}

// same reports whether both paths are one file.
func same(a, b string) bool {
	if filepath.Clean(a) == filepath.Clean(b) {
		return true
	}
	one, errOne := os.Stat(a)
	other, errOther := os.Stat(b)
	return errOne == nil && errOther == nil && os.SameFile(one, other)
}
