package boot

import (
	"context"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
)

// screenTimeout is how long a picture of a screen may take to come.
const screenTimeout = 5 * time.Second

// TakeScreen writes a picture of what the node shows to its folder, as PNG.
func TakeScreen(ctx context.Context, from engine.Screens, node workspace.Node) error {
	ctx, cancel := context.WithTimeout(ctx, screenTimeout)
	defer cancel()
	picture, err := from.Screen(ctx, node.Name, guest.MostOfScreen)
	if err != nil {
		return err
	}
	made, err := guest.ScreenPNG(picture)
	if err != nil {
		return err
	}
	return artifact.Write(node.Screen(), made, 0o600)
}
