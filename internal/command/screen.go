package command

import (
	"context"
	"fmt"
	"time"

	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
)

// screenPatience is how long a picture of a screen may take to come.
const screenPatience = 5 * time.Second

// Screen writes what node= shows to vm/<node>/screen.png, and prints that path.
func Screen(ctx context.Context, r *Run) error {
	d, err := chosenNode(r)
	if err != nil {
		return err
	}
	if !d.InUse() {
		return hint.Errorf("`mage start node="+d.Name+"` boots it", "%s does not run, and shows nothing", d.Name)
	}
	path, err := r.takeScreen(ctx, r.ws().NodeOf(d.Metadata))
	if err != nil {
		return fmt.Errorf("%s: %w", d.Name, err)
	}
	_, err = fmt.Fprintln(r.log.Writer(), path)
	return err
}

// takeScreen writes a picture of what the node shows to its folder, and gives the path as the user would write it.
func (r *Run) takeScreen(ctx context.Context, node workspace.Node) (path string, err error) {
	ctx, cancel := context.WithTimeout(ctx, screenPatience)
	defer cancel()
	picture, err := r.conn.Screen(ctx, node.Name, guest.MostOfScreen)
	if err != nil {
		return "", err
	}
	made, err := guest.ScreenPNG(picture)
	if err != nil {
		return "", err
	}
	return r.relative(node.Screen()), artifact.Write(node.Screen(), made, 0o600)
}
