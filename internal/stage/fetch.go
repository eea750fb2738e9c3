package stage

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/image"
	"coreos-libvirt/internal/image/download"
	"coreos-libvirt/internal/image/store"
	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/image/unpack"
	"coreos-libvirt/internal/lab/guestimage"
	"coreos-libvirt/internal/terminal/hint"
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
	if filepath.Dir(path) == r.Store {
		if err := r.hold(ctx); err != nil {
			return err
		}
	}
	r.base, r.identity = r.baseAt(path), fmt.Sprintf("%d bytes of %s", info.Size(), info.ModTime().UTC().Format(time.RFC3339Nano))
	r.log.Say("image: %s, used where it is", r.Image)
	return nil
}

// baseAt is the image at the path, with what its record in the store tells of it.
func (r *Run) baseAt(path string) Base {
	base := Base{Path: path}
	if filepath.Dir(path) == r.Store {
		if record, err := r.images().RecordAt(path); err == nil {
			base.Image = record.Image
		}
	}
	if lab, _ := filepath.Match("lab-*.qcow2", filepath.Base(path)); lab && (filepath.Dir(path) == r.Cache || filepath.Dir(path) == rootsCache) {
		base.Image = labImage
	}
	return base
}

// labImage is what is known of the lab's own image. It reads Ignition as Fedora CoreOS does.
var labImage = stream.Image{Name: "lab", OS: "fcos"}

// rootsCache is where root's runs build the lab's image.
const rootsCache = "/var/cache/coreos-libvirt"

// fetchLab builds the lab's own guest image where it lacks: as root. Others use root's.
func (r *Run) fetchLab(ctx context.Context) error {
	path, built := guestimage.Path(r.Cache)
	if others, there := guestimage.Path(rootsCache); there && !built {
		path, built = others, true
	}
	var err error
	switch {
	case built || r.readOnly:
		r.log.Say("image: %s is in the store", filepath.Base(path))
	case os.Getuid() != 0:
		err = hint.Errorf(host.Sudo("mage fetch image=lab"), "the lab's guest image is made as root")
	default:
		path, err = guestimage.Ensure(ctx, r.Cache, r.Workspace, r.log.Say)
	}
	r.base = Base{Path: path, Image: labImage}
	return err
}

func (r *Run) fetchURL(ctx context.Context) error {
	u, err := url.Parse(r.Image)
	if err != nil {
		return hint.Errorf("image=https://… is the address of a qcow2 file", "image=: this is no URL")
	}
	return r.fetchImage(ctx, stream.Image{
		Name: download.Public(r.Image), URL: r.Image, SHA256: r.SHA256, Arch: r.Arch,
		Format: strings.TrimSuffix("qcow2."+unpack.Compression(u.Path), "."),
	})
}

// fetchStream gets what the stream is at, or the version that is named. Where the network fails meanwhile an
// image of the stream that is in the store serves.
func (r *Run) fetchStream(ctx context.Context, name stream.Name) error {
	if err := r.hold(ctx); err != nil {
		return err
	}
	i, err := r.lookup(ctx, name)
	if err != nil {
		return err
	}
	err = r.fetchImage(ctx, i)
	if !download.Unreachable(err) || ctx.Err() != nil || name.Version != "" {
		return err
	}
	spare, ok := r.images().Newest(name, r.Arch, i.Version)
	if !ok {
		return err
	}
	r.log.Say("image: could not fetch %s, %s serves: %s", i.Version, spare.Version, firstLine(err))
	return r.fetchImage(ctx, spare)
}

// hold keeps prune off the images until this process ends: up to then overlays are made.
func (r *Run) hold(ctx context.Context) (err error) {
	if r.readOnly || r.release != nil {
		return nil
	}
	r.release, err = r.images().Use(ctx)
	return err
}

func (r *Run) fetchImage(ctx context.Context, i stream.Image) error {
	if err := r.hold(ctx); err != nil {
		return err
	}
	kept := r.images()
	if kept.Has(i) || r.readOnly {
		r.base = Base{Path: kept.Path(i), Image: i}
		r.log.Say("image: %s is in the store", filepath.Base(r.base.Path))
		return nil
	}
	path, err := r.fetcher().Fetch(ctx, i)
	r.base = Base{Path: path, Image: i}
	return err
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
