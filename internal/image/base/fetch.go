package base

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"coreos-libvirt/internal/image/download"
	"coreos-libvirt/internal/image/qcow2"
	"coreos-libvirt/internal/image/store"
	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/image/unpack"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// Options say which image it is, and how it is got.
type Options struct {
	Image   string // as image= says it: a stream, a file, a URL, or an image of the lab's
	SHA256  string // of the file at the URL, in hex, or empty
	Arch    string
	Store   string // folder of base images
	Keyring string // file of keys that are trusted instead of the distributor's, or empty

	FCOSServer, FlatcarServer string // base URLs

	Wait     bool // for a run that has the store locked
	Refresh  bool // look the stream up now, not once a day
	ReadOnly bool // tell which image it would be: nothing is fetched, built or locked
	Afar     bool // what comes from the network other hosts fetch, and this one does not

	Lab   Lab
	Say   func(format string, args ...any)
	Meter func(done, total int64) store.Meter
}

// Lab is how to get at the lab's own images, which are built, not fetched.
type Lab struct {
	Images map[string]stream.Image                     // what is known of each, by what image= calls it
	NameOf func(path string) string                    // of the image that is at the path, or empty
	Find   func(name string) (path string, built bool) // path is where it is or would be
	Build  func(ctx context.Context, name string) (path string, _ error)
}

// Fetch makes sure that the base image is there. Until release is called, or the process ends, prune leaves the image
// alone: overlays are made on it.
func Fetch(ctx context.Context, o Options) (i Image, release func(), err error) {
	name, isStream, err := stream.Parse(o.Image)
	lab, isLab := o.Lab.Images[o.Image]
	switch {
	case err != nil:
		return Image{}, nothing, err
	case o.SHA256 != "" && !isURL(o.Image):
		return Image{}, nothing, hint.Errorf("a stream's image is verified by its signature, a file is yours", "sha256= goes with image=https://…, not with image=%s", o.Image)
	case isStream:
		return o.held(ctx, func() (Image, error) { return o.fetchStream(ctx, name) })
	case isLab:
		i, err = o.fetchLab(ctx, lab)
		return i, nothing, err
	case isURL(o.Image):
		return o.fetchURL(ctx)
	}
	return o.useFile(ctx)
}

// nothing is the release of an image that nothing is held for.
func nothing() {}

// held fetches an image, or looks at it, while prune waits.
func (o Options) held(ctx context.Context, fetch func() (Image, error)) (i Image, release func(), err error) {
	release = nothing
	if !o.ReadOnly {
		if release, err = o.store().Use(ctx, store.Patience{Wait: o.Wait, Say: o.Say}); err != nil {
			return Image{}, nothing, err
		}
	}
	if i, err = fetch(); err != nil {
		release()
		return Image{}, nothing, err
	}
	return i, release, nil
}

// useFile is for nodes that boot from a file of the user's own.
func (o Options) useFile(ctx context.Context) (Image, func(), error) {
	path, err := workspace.Absolute(o.Image)
	if err != nil {
		return Image{}, nothing, err
	}
	if _, err := qcow2.CheckBase(ctx, path); err != nil {
		return Image{}, nothing, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return Image{}, nothing, err
	}
	look := func() (Image, error) {
		i := At(o, path)
		i.Identity = identity(info)
		o.Say("image: %s, used where it is", o.Image)
		return i, nil
	}
	if o.inStore(path) {
		return o.held(ctx, look)
	}
	i, err := look()
	return i, nothing, err
}

// fetchLab builds the lab's image if it is missing.
func (o Options) fetchLab(ctx context.Context, lab stream.Image) (i Image, err error) {
	path, built := o.Lab.Find(o.Image)
	if built || o.ReadOnly {
		o.Say("image: %s is in the store", filepath.Base(path))
	} else {
		path, err = o.Lab.Build(ctx, o.Image)
	}
	return Image{Path: path, Image: lab}, err
}

func (o Options) fetchURL(ctx context.Context) (Image, func(), error) {
	i, err := o.atURL()
	if err != nil {
		return Image{}, nothing, err
	}
	return o.held(ctx, func() (Image, error) { return o.fetchImage(ctx, i) })
}

// atURL is the image that a URL is the address of.
func (o Options) atURL() (stream.Image, error) {
	u, err := url.Parse(o.Image)
	if err != nil {
		return stream.Image{}, hint.Errorf("image=https://… is the address of a qcow2 file", "image=: this is not a URL")
	}
	return stream.Image{
		Name: download.Public(o.Image), URL: o.Image, SHA256: o.SHA256, Arch: o.Arch,
		Format: strings.TrimSuffix("qcow2."+unpack.Compression(u.Path), "."),
	}, nil
}

// fetchStream gets the version that is named, or else the stream's newest. If the network fails meanwhile, an image of
// the stream that is in the store is used.
func (o Options) fetchStream(ctx context.Context, name stream.Name) (Image, error) {
	i, err := o.lookup(ctx, name)
	if err != nil {
		return Image{}, err
	}
	fetched, err := o.fetchNewest(ctx, name, i)
	if !download.Unreachable(err) || ctx.Err() != nil || name.Version != "" {
		return fetched, err
	}
	spare, ok := o.store().Newest(name, o.Arch, i.Version)
	if !ok {
		return fetched, err
	}
	o.Say("image: could not fetch %s, %s serves: %s", i.Version, spare.Version, hint.FirstLine(err))
	return o.fetchImage(ctx, spare)
}

// fetchNewest gets the image of the stream, if its signature is not older than one that was seen of it. One that is older is
// used only if its version is named.
func (o Options) fetchNewest(ctx context.Context, name stream.Name, i stream.Image) (Image, error) {
	if name.Version != "" || o.ReadOnly || o.isAfar(i) {
		return o.fetchImage(ctx, i)
	}
	key := o.source(false).Key(name, o.Arch)
	fetcher := o.fetcher()
	fetcher.Seen = o.store().Remembered(key).Seen
	fetched, err := o.fetchBy(ctx, fetcher, i)
	if err != nil {
		return fetched, err
	}
	return fetched, o.store().See(key, i)
}

func (o Options) fetchImage(ctx context.Context, i stream.Image) (Image, error) {
	return o.fetchBy(ctx, o.fetcher(), i)
}

func (o Options) fetchBy(ctx context.Context, fetcher store.Fetcher, i stream.Image) (Image, error) {
	kept := o.store()
	if o.isAfar(i) {
		o.Say("image: %s is fetched by the hosts", filepath.Base(kept.Path(i)))
		return Image{Path: kept.Path(i), Image: i, Afar: true}, nil
	}
	if kept.Has(i) || o.ReadOnly {
		o.Say("image: %s is in the store", filepath.Base(kept.Path(i)))
		return Image{Path: kept.Path(i), Image: i}, nil
	}
	path, err := fetcher.Fetch(ctx, i)
	return Image{Path: path, Image: i}, err
}

func (o Options) store() store.Store { return store.Store{Dir: o.Store} }

func (o Options) inStore(path string) bool { return filepath.Dir(path) == o.Store }

func (o Options) client() *download.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone() // proxies and certificates as the system has them
	transport.DisableCompression = true
	return download.New(transport)
}

func (o Options) fetcher() store.Fetcher {
	return store.Fetcher{Store: o.store(), Client: o.client(), Keyring: o.Keyring, Say: o.Say, Meter: o.Meter}
}
