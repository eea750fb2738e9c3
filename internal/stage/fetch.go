package stage

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"coreos-libvirt/internal/hint"
	"coreos-libvirt/internal/image"
	"coreos-libvirt/internal/image/download"
	"coreos-libvirt/internal/image/store"
	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/image/unpack"
	"coreos-libvirt/internal/lab/guestimage"
)

// Base is the image that nodes boot, and what is known of it.
type Base struct {
	stream.Image
	Path string // absolute
}

// Fetch makes sure that the base image is there.
func (r *Run) Fetch(ctx context.Context) error {
	name, isStream, err := stream.Parse(r.Image)
	switch {
	case err != nil:
		return err
	case r.SHA256 != "" && !isURL(r.Image):
		return hint.Errorf("a stream's image is verified by its signature, a file is yours", "sha256= goes with image=https://…, not with image=%s", r.Image)
	case isStream:
		return r.fetchStream(ctx, name)
	case r.Image == "lab":
		return r.fetchLab(ctx)
	case isURL(r.Image):
		return r.fetchURL(ctx)
	}
	return r.useFile(ctx)
}

func isURL(name string) bool {
	return strings.HasPrefix(name, "https://") || strings.HasPrefix(name, "http://")
}

// remote tells whether the image comes from the network, unless it is in the store.
func (r *Run) remote() bool {
	_, isStream, _ := stream.Parse(r.Image)
	return isStream || isURL(r.Image)
}

// useFile boots nodes from a file of the user's.
func (r *Run) useFile(ctx context.Context) error {
	path, err := filepath.Abs(r.Image)
	if err != nil {
		return err
	}
	if _, err := image.CheckBase(ctx, path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	r.base, r.identity = Base{Path: path}, fmt.Sprintf("%d bytes of %s", info.Size(), info.ModTime().UTC().Format(time.RFC3339Nano))
	r.log.Say("image: %s, used where it is", r.Image)
	return nil
}

// fetchLab builds the lab's own guest image where it lacks. It reads Ignition as Fedora CoreOS does.
func (r *Run) fetchLab(ctx context.Context) error {
	path, built := guestimage.Path(r.Cache)
	if built || r.readOnly {
		r.log.Say("image: %s is in the store", filepath.Base(path))
	} else {
		var err error
		if path, err = guestimage.Ensure(ctx, r.Cache, r.Workspace, r.log.Say); err != nil {
			return err
		}
	}
	r.base = Base{Path: path, Image: stream.Image{Name: "lab", OS: "fcos"}}
	return nil
}

func (r *Run) fetchURL(ctx context.Context) error {
	return r.fetchImage(ctx, stream.Image{
		Name: r.Image, URL: r.Image, SHA256: r.SHA256, Arch: r.Arch,
		Format: strings.TrimSuffix("qcow2."+unpack.Compression(r.Image), "."),
	})
}

// fetchStream gets what the stream is at, or the version that is named.
func (r *Run) fetchStream(ctx context.Context, name stream.Name) error {
	i, err := r.lookup(ctx, name)
	if err != nil {
		return err
	}
	return r.fetchImage(ctx, i)
}

func (r *Run) fetchImage(ctx context.Context, i stream.Image) error {
	kept := r.images()
	if !r.readOnly {
		release, err := kept.Use(ctx)
		if err != nil {
			return err
		}
		r.release = release
	}
	if kept.Has(i) || r.readOnly {
		r.base = Base{Path: kept.Path(i), Image: i}
		r.log.Say("image: %s is in the store", filepath.Base(r.base.Path))
		return nil
	}
	path, err := r.fetcher().Fetch(ctx, i)
	r.base = Base{Path: path, Image: i}
	return err
}

// aDay is how long is believed what a stream was looked up as.
const aDay = 24 * time.Hour

// lookup tells what image the name stands for: a version that is in the store, what the stream was
// looked up as within a day, or what the distributor says now. Where that does not answer an image in the
// store serves.
func (r *Run) lookup(ctx context.Context, name stream.Name) (stream.Image, error) {
	kept := r.images()
	if record, ok := kept.Version(name, r.Arch); ok {
		return record, nil
	}
	remembered, at, err := kept.Remembered(name, r.Arch)
	known := err == nil && name.Version == ""
	if known && !r.Refresh && time.Since(at) < aDay {
		return remembered, nil
	}
	usable := known && kept.Has(remembered)
	i, err := r.ask(ctx, name, usable)
	if err != nil && usable && ctx.Err() == nil {
		r.log.Say("image: could not look for one newer than %s, of %s: %s", remembered.Version, at.Format(time.DateOnly), firstLine(err))
		return remembered, nil
	}
	return i, hint.Add(err, "image=/path/to/image.qcow2 uses a file that you have")
}

// ask asks the distributor what the name stands for, and remembers what a stream is at. Where the answer
// is not needed it asks but once.
func (r *Run) ask(ctx context.Context, name stream.Name, once bool) (stream.Image, error) {
	client := r.client()
	if once {
		client.Tries = 0
	}
	i, err := stream.Source{FCOS: r.FCOSServer, Flatcar: r.FlatcarServer, Get: client.Document}.Lookup(ctx, name, r.Arch)
	if err != nil || name.Version != "" {
		return i, err
	}
	r.log.Say("image: %s is at %s", name, i.Version)
	return i, r.images().Remember(name, i)
}

func (r *Run) images() store.Store { return store.Store{Dir: r.Store} }

func (r *Run) client() *download.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone() // proxies and certificates as the system has them
	transport.DisableCompression = true
	return download.New(transport)
}

func (r *Run) fetcher() store.Fetcher {
	return store.Fetcher{
		Store: r.images(), Client: r.client(), Keyring: r.Keyring, Say: r.log.Say,
		Meter: func(done, total int64) store.Meter { return r.log.Meter("image", done, total) },
	}
}
