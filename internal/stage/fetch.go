package stage

import (
	"context"
	"path/filepath"
	"strings"

	"coreos-libvirt/internal/hint"
	"coreos-libvirt/internal/image"
	"coreos-libvirt/internal/lab/guestimage"
)

// Base is the image that nodes boot.
type Base struct {
	Path string // absolute
	OS   string // "fcos" or "flatcar" where it is known, else empty
}

// Fetch makes sure that the base image is there.
func (r *Run) Fetch(ctx context.Context) error {
	if r.Image == "lab" {
		return r.fetchLab(ctx)
	}
	if isStream(r.Image) {
		return hint.Errorf("download its qcow2 image and give the file: image=/path/to/"+r.Image+".qcow2",
			"image=%s: streams cannot be fetched yet", r.Image)
	}
	path, err := filepath.Abs(r.Image)
	if err != nil {
		return err
	}
	if _, err := image.CheckBase(ctx, path); err != nil {
		return err
	}
	r.base = Base{Path: path}
	r.log.Say("image: %s, used where it is", r.Image)
	return nil
}

// fetchLab builds the lab's own guest image where it lacks. It reads Ignition as Fedora CoreOS does.
func (r *Run) fetchLab(ctx context.Context) error {
	path, built := guestimage.Path(r.Store)
	if built {
		r.log.Say("image: %s is in the store", filepath.Base(path))
	} else {
		var err error
		if path, err = guestimage.Ensure(ctx, r.Store, r.Workspace, r.log.Say); err != nil {
			return err
		}
	}
	r.base = Base{Path: path, OS: "fcos"}
	return nil
}

func isStream(name string) bool {
	return strings.HasPrefix(name, "fcos-") || strings.HasPrefix(name, "flatcar-")
}
