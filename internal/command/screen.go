package command

import (
	"context"
	"fmt"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
)

// Screen writes what node= shows to vm/<node>/screen.png, and prints that path.
func Screen(ctx context.Context, r *Run) error {
	d, err := chosenNode(r, "screen")
	if err != nil {
		return err
	}
	if !d.InUse() {
		return hint.Errorf("`"+asCalled(r.Settings, "start", "node="+d.Name)+"` boots it", "%s does not run, and shows nothing", d.Name)
	}
	node := r.ws().NodeOf(d.Metadata)
	screens, err := able[engine.Screens](r.conn, "pictures of screens")
	if err == nil {
		err = boot.TakeScreen(ctx, screens, node)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", d.Name, err)
	}
	_, err = fmt.Fprintln(r.log.Writer(), r.ws().Relative(node.Screen()))
	return err
}
