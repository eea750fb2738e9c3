package stage

import (
	"context"
	"os"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/image/store"
	"coreos-libvirt/internal/lab/guestimage"
	"coreos-libvirt/internal/terminal/hint"
)

// Fetch makes sure that the base image is there.
func (r *Run) Fetch(ctx context.Context) (err error) {
	r.base, r.release, err = base.Fetch(ctx, r.imageOptions())
	return err
}

func (r *Run) images() store.Store { return store.Store{Dir: r.Store} }

// imageOptions say which base image the run wants, and how to get it.
func (r *Run) imageOptions() base.Options {
	return base.Options{
		Image: r.Image, SHA256: r.SHA256, Arch: r.Arch, Store: r.Store, Keyring: r.Keyring,
		FCOSServer: r.FCOSServer, FlatcarServer: r.FlatcarServer, Refresh: r.Refresh, ReadOnly: r.readOnly,
		Lab: r.labImage(), Say: r.log.Say,
		Meter: func(done, total int64) store.Meter { return r.log.Meter("image", done, total) },
	}
}

// rootsCache is where root's runs build the lab's image. Others use it, too.
const rootsCache = "/var/cache/coreos-libvirt"

func (r *Run) labImage() base.Lab {
	return base.Lab{Folders: []string{r.Cache, rootsCache}, Find: r.findLabImage, Build: r.buildLabImage}
}

func (r *Run) findLabImage() (path string, built bool) {
	path, built = guestimage.Path(r.Cache)
	if others, there := guestimage.Path(rootsCache); there && !built {
		return others, true
	}
	return path, built
}

func (r *Run) buildLabImage(ctx context.Context) (string, error) {
	if os.Getuid() != 0 {
		return "", hint.Errorf(host.Sudo("mage fetch image=lab"), "the lab's guest image is made as root")
	}
	return guestimage.Ensure(ctx, r.Cache, r.Workspace, r.log.Say)
}
