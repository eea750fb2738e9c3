package command

import (
	"context"

	"coreos-libvirt/internal/ci"
)

// Test checks the project itself.
func Test(ctx context.Context, r *Run) error {
	if err := needsGo("what is tested"); err != nil {
		return err
	}
	return ci.Check{Dir: r.Workspace, Cache: r.Cache, Full: r.Full, Say: r.log.Say}.All(ctx)
}
