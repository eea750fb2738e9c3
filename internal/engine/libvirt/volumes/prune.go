package volumes

import (
	"slices"
	"strings"

	"coreos-libvirt/internal/engine"
)

// Prune removes the base images that no volume of the pool stands on, and no disk of a domain. It gives their paths, and how many bytes
// they took. One that is being uploaded stays.
func (d *Disks) Prune(domains map[string]engine.Domain) (removed []string, bytes int64, err error) {
	d.changed()
	names, err := d.names()
	if err != nil {
		return nil, 0, err
	}
	used, err := d.stoodOn(names, domains)
	if err != nil {
		return nil, 0, err
	}
	for _, name := range names {
		path := d.pool.Path(name)
		if !isBase(name, "") || used[path] || !slices.Contains(names, name+wholeEnding) {
			continue
		}
		info, err := d.pool.Info(name)
		if err == nil {
			err = d.remove(name+wholeEnding, name) // no one takes it for whole while it goes
		}
		if err != nil {
			return removed, bytes, err
		}
		removed, bytes = append(removed, path), bytes+info.Takes
	}
	return removed, bytes, nil
}

// stoodOn are the paths that disks stand on.
func (d *Disks) stoodOn(names []string, domains map[string]engine.Domain) (map[string]bool, error) {
	used := map[string]bool{}
	for _, name := range names {
		if isBase(name, "") || !strings.Contains(name, engine.DiskEnding) || strings.HasSuffix(name, wholeEnding) {
			continue
		}
		info, err := d.pool.Info(name)
		if err != nil {
			return nil, err
		}
		used[info.Backing] = true
	}
	for _, domain := range domains {
		used[domain.Backing] = true
		for _, disk := range domain.Disks {
			used[disk], used[d.Under(domain, disk)] = true, true
		}
	}
	return used, nil
}
