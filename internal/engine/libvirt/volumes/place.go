package volumes

import (
	"errors"

	"coreos-libvirt/internal/engine"
)

// Place is where an engine has nodes' files.
type Place struct {
	Here  engine.Disks // of this host
	There *Disks       // in their place; nil: the files are this host's
}

// Disks are those of this host, or those in a pool.
func (p *Place) Disks() engine.Disks {
	if p.There != nil {
		return p.There
	}
	return p.Here
}

// FreeSpace is how many bytes are free in the pool, and what that is called.
func (p *Place) FreeSpace() (bytes int64, pool string, err error) {
	if p.There == nil {
		return 0, "", errors.New("nodes' files are in no storage pool")
	}
	return p.There.Free()
}

// PruneCopies removes the copies of base images in the pool that nobody uses. Files of this host have none.
func (p *Place) PruneCopies(domains map[string]engine.Domain) (removed []string, bytes int64, err error) {
	if p.There == nil {
		return nil, 0, nil
	}
	return p.There.Prune(domains)
}
