package command

import (
	"context"

	"coreos-libvirt/internal/ci"
)

// Test checks the project itself.
func (r *Run) Test(ctx context.Context) error {
	return ci.Check{Dir: r.Workspace, Cache: r.Cache, Full: r.Full, Say: r.log.Say}.All(ctx)
}
