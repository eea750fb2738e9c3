package command

import (
	"context"
	"time"

	"coreos-libvirt/internal/engine"
)

// Claim makes sure, before anything of the cluster is made, that nothing of it is somebody else's, and keeps other
// runs off it.
func (r *Run) Claim(ctx context.Context) error {
	if err := r.lock(ctx, r.Prefix); err != nil {
		return err
	}
	domains, err := listed(r)
	if err != nil {
		return err
	}
	if err := r.at().InTheWay(r.members(), domains, r.Prefix); err != nil {
		return err
	}
	return keepProtection(r)
}

// listCounts is how long the domains are believed to be as they were listed, in a run that keeps others off the cluster: what
// the stages before Define take where they find nothing to do.
const listCounts = time.Second

// listed lists the domains, unless that was done a moment ago.
func listed(r *Run) (map[string]engine.Domain, error) {
	if r.seen != nil && time.Since(r.seenAt) < listCounts {
		return r.seen, nil
	}
	domains, err := r.domains()
	r.seen, r.seenAt = domains, time.Now()
	return domains, err
}
