package stage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
)

// Claim makes sure, before anything of the cluster is made, that nothing of it is somebody else's, and keeps other
// runs off it.
func (r *Run) Claim(ctx context.Context) error {
	if err := r.lock(ctx, r.Prefix); err != nil {
		return err
	}
	domains, err := r.listed()
	if err != nil {
		return err
	}
	return r.inTheWay(domains)
}

// aMoment is how long domains are believed to be as they were seen, in a run that keeps others off the cluster: what
// the stages before Define take where they find nothing to do.
const aMoment = time.Second

// listed lists the domains, unless that was done a moment ago.
func (r *Run) listed() (map[string]engine.Domain, error) {
	if r.seen != nil && time.Since(r.seenAt) < aMoment {
		return r.seen, nil
	}
	domains, err := r.domains()
	r.seen, r.seenAt = domains, time.Now()
	return domains, err
}

// inTheWay is an error that names all that keeps the cluster's nodes from being made: somebody else's domains, and
// nodes that another libvirt has.
func (r *Run) inTheWay(domains map[string]engine.Domain) error {
	errs := []error{workspace.Foreign(r.members(), r.resolved(domains), r.Workspace, r.Prefix)}
	for _, node := range r.members() {
		if _, defined := domains[node.Name]; defined {
			continue
		}
		if err := r.elsewhere(node, made(node)); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", node.Name, err))
		}
	}
	return errors.Join(errs...)
}

// resolved are the domains with disks that are below vm/ named so, whatever symbolic links lead there.
func (r *Run) resolved(domains map[string]engine.Domain) map[string]engine.Domain {
	vm, err := filepath.EvalSymlinks(r.vm())
	if err != nil {
		return domains
	}
	all := maps.Clone(domains)
	for name, d := range all {
		disks := []string{}
		for _, disk := range d.Disks {
			if real, err := filepath.EvalSymlinks(disk); err == nil {
				disk = real
			}
			if below, err := filepath.Rel(vm, disk); err == nil && filepath.IsLocal(below) {
				disk = r.vm(below)
			}
			disks = append(disks, disk)
		}
		d.Disks = disks
		all[name] = d
	}
	return all
}
