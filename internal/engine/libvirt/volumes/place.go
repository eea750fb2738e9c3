package volumes

import (
	"context"
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

// Bring makes sure that the pool has the base image that is, or would be, at the path here. Files of this host need no copy.
func (p *Place) Bring(ctx context.Context, base string) (sha256 string, err error) {
	if p.There == nil {
		return "", nil
	}
	if err := p.There.pool.Make(); err != nil {
		return "", err
	}
	has, err := p.There.bases.bring(ctx, base)
	return has.digest, err
}

// PruneCopies removes the copies of base images in the pool that nobody uses. Files of this host have none.
func (p *Place) PruneCopies(domains map[string]engine.Domain) (removed []string, bytes int64, err error) {
	if p.There == nil {
		return nil, 0, nil
	}
	return p.There.Prune(domains)
}
