package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/config/verify/document"
	"coreos-libvirt/internal/config/verify/lacks"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/guest/inventory"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/hint"
)

// inventoryPatience is how long a node may take to say what its image has.
const inventoryPatience = 30 * time.Second

// takeInventories asks, of each image of which it is not known yet what it has, the first node that is ready. Whatever fails ends
// nothing: documents are judged by less then.
func takeInventories(ctx context.Context, r *Run, bases baseImages, nodes []boot.Node) {
	asked := map[string]bool{}
	for _, n := range nodes {
		path := bases[n.Step.Node.Name].Path
		if !r.Verify || bases[n.Step.Node.Name].Afar || path == "" || asked[path] || !speaksFor(n) {
			continue
		}
		asked[path] = true
		if err := inventoryOf(ctx, r, n, path); err != nil && ctx.Err() == nil {
			r.log.Say("%s: what its image has is not known, and documents are not judged by it: %s", n.Step.Node.Name, hint.FirstLine(err))
		}
	}
}

// speaksFor reports whether the node is ready, and has the image that it would be made on now.
func speaksFor(n boot.Node) bool {
	return n.Err == nil && len(n.Report.HostKeys) > 0 && n.Address() != "" && !n.Step.OldBase
}

// inventoryOf makes sure that it is known what the image at the path has.
func inventoryOf(ctx context.Context, r *Run, n boot.Node, path string) error {
	identity, err := base.IdentityOf(path)
	if err != nil {
		return err
	}
	at := images(r.Store).Inventory(path)
	if _, is := inventory.Load(at, identity); is {
		return nil
	}
	return takeInventory(ctx, r, n, identity, at)
}

// takeInventory asks a node and keeps what it says at the path.
func takeInventory(ctx context.Context, r *Run, n boot.Node, identity, at string) error {
	ctx, cancel := context.WithTimeout(ctx, inventoryPatience)
	defer cancel()
	cmd := r.access(r.Prefix).Unattended(ctx, r.User, n.Step.Node.Name, n.Address(), inventory.Script)
	said := &guest.Limited{Left: inventory.MaxSize}
	cmd.Stdout, cmd.WaitDelay = said, afterEnd
	if err := cmd.Run(); err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return fmt.Errorf("it did not say within %s", inventoryPatience)
		}
		return err
	}
	has, err := inventory.Parse(said.String())
	if err != nil {
		return err
	}
	made, err := os.ReadFile(n.Step.Node.MadeOf())
	if err != nil {
		return err
	}
	d, err := document.Parse(made)
	if err != nil {
		return err
	}
	users := []string{}
	for _, u := range d.Users {
		if u.Name != "core" && u.Name != "root" { // whom every image has
			users = append(users, u.Name)
		}
	}
	has = has.Without(users, append(d.GroupNames, users...))
	has.Image = identity
	return has.Save(at)
}

// imageOf is what the image of the settings' nodes has, if that is known.
func imageOf(ctx context.Context, r *Run, s *settings.Settings) lacks.Image {
	path := base.Likely(ctx, imageOptionsOf(r, s, true))
	identity, err := base.IdentityOf(path)
	if path == "" || err != nil {
		return lacks.Image{}
	}
	has, is := inventory.Load(images(r.Store).Inventory(path), identity)
	if !is {
		return lacks.Image{}
	}
	return lacks.Image{ID: path + " " + identity, Folders: has.Folders, Programs: has.Programs, Units: has.Units, Users: has.Users, Groups: has.Groups}
}
