package command

import (
	"context"
	"strings"

	"coreos-libvirt/internal/workspace"
)

// Claim makes sure, before anything of the cluster is made, that nothing of it is somebody else's, and keeps other
// runs off it.
func (r *Run) Claim(ctx context.Context) error {
	if err := workspace.CheckPath(r.Workspace, strings.HasPrefix(r.URI, "qemu")); err != nil {
		return err
	}
	if err := r.lock(ctx, r.Prefix); err != nil {
		return err
	}
	domains, err := r.values.domains.get(r.domains)
	if err != nil {
		return err
	}
	if err := changedMeanwhile(r, domains); err != nil {
		return err
	}
	if err := r.at().InTheWay(r.members(), domains, r.Prefix); err != nil {
		return err
	}
	for _, line := range r.ws().Strangers(domains, r.Prefix) {
		r.log.Say("%s", line)
	}
	return keepProtection(r)
}
