package stage

import (
	"context"
	"os"
	"path/filepath"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/image/store"
	"coreos-libvirt/internal/image/stream"
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
		Lab: r.labImages(), Say: r.log.Say,
		Meter: func(done, total int64) store.Meter { return r.log.Meter("image", done, total) },
	}
}

// rootsCache is where root's runs build the lab's image. Others use it, too.
const rootsCache = "/var/cache/coreos-libvirt"

// labImages is how to get at the lab's own image. It reads Ignition as Fedora CoreOS does.
func (r *Run) labImages() base.Lab {
	return base.Lab{
		Images: map[string]stream.Image{"lab": {Name: "lab", OS: "fcos"}},
		NameOf: r.labImageAt, Find: r.findLabImage, Build: r.buildLabImage,
	}
}

// labImageAt is "lab" if the lab's image is at the path.
func (r *Run) labImageAt(path string) string {
	named, _ := filepath.Match("lab-*.qcow2", filepath.Base(path))
	if named && (filepath.Dir(path) == r.Cache || filepath.Dir(path) == rootsCache) {
		return "lab"
	}
	return ""
}

func (r *Run) findLabImage(string) (path string, built bool) {
	path, built = guestimage.Path(r.Cache)
	if others, there := guestimage.Path(rootsCache); there && !built {
		return others, true
	}
	return path, built
}

func (r *Run) buildLabImage(ctx context.Context, name string) (string, error) {
	if os.Getuid() != 0 {
		return "", hint.Errorf(host.Sudo("mage fetch image="+name), "the lab's guest image is made as root")
	}
	return guestimage.Ensure(ctx, r.Cache, r.Workspace, r.log.Say)
}
