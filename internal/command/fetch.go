package command

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/image/store"
	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/lab/guestimage"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/table"
)

// Fetch makes sure that the base images are there.
func (r *Run) Fetch(ctx context.Context) error {
	_, err := imagesOf(ctx, r)
	return err
}

// Fetched is Fetch alone: it prints which images are there, if a program is to read that.
func Fetched(ctx context.Context, r *Run) error {
	if r.There {
		return fetchThere(ctx, r)
	}
	held, err := imagesOf(ctx, r)
	if err == nil {
		err = bringEverywhere(ctx, r, held.baseImages)
	}
	if err != nil || r.Format != "json" {
		return err
	}
	all := []fetchedImage{}
	for _, node := range slices.Sorted(maps.Keys(held.baseImages)) {
		i := held.baseImages[node]
		if f := (fetchedImage{i.Path, i.Name, i.OS, i.Version, i.Arch}); !slices.Contains(all, f) {
			all = append(all, f)
		}
	}
	return table.JSON(r.out, all)
}

// fetchedImage is an image as `mage fetch format=json` prints it.
type fetchedImage struct {
	Path    string `json:"path"`
	Name    string `json:"name,omitempty"` // of the stream
	OS      string `json:"os,omitempty"`
	Version string `json:"version,omitempty"`
	Arch    string `json:"arch,omitempty"`
}

// fetchImages makes sure of the images that nodes are made on, of each once. A run that only looks gets none.
func fetchImages(ctx context.Context, r *Run, looks bool) (held heldImages, err error) {
	held.baseImages = baseImages{}
	releases := []func(){}
	held.release = func() {
		for _, release := range releases {
			release()
		}
	}
	for _, p := range alike(partsOf(r), byImage) {
		image, release, err := base.Fetch(ctx, imageOptionsOf(r, p.Settings, looks))
		releases = append(releases, release)
		if err != nil {
			held.release()
			return held, err
		}
		for _, node := range p.nodes {
			held.baseImages[node.Name] = image
		}
	}
	return held, nil
}

// images are the base images in the folder.
func images(folder string) store.Store { return store.Store{Dir: folder} }

// imageOptions say which base image the run wants, and how to get it. A run that only looks gets none.
func imageOptions(r *Run, looks bool) base.Options { return imageOptionsOf(r, r.Settings, looks) }

// imageOptionsOf is the same for nodes of other settings.
func imageOptionsOf(r *Run, s *settings.Settings, looks bool) base.Options {
	return base.Options{
		Image: s.Image, SHA256: s.SHA256, Arch: s.Arch, Store: r.Store, Keyring: r.Keyring,
		FCOSServer: r.FCOSServer, FlatcarServer: r.FlatcarServer, Refresh: r.Refresh, Wait: r.Wait, ReadOnly: looks, Afar: hostsFetch(s),
		Lab: labImages(r.Cache, r.Workspace, func(name string) string { return asCalled(r.Settings, "fetch", "image="+name) }, r.log.Say), Say: r.log.Say,
		Meter: func(done, total int64) store.Meter { return r.log.Meter("image", done, total) },
	}
}

// rootsCache is where root's runs build the lab's images. Others use them, too.
const rootsCache = "/var/cache/coreos-libvirt"

// labImages is how to get at the lab's own images. cache is where this user's runs build them, fetch the command that does so.
func labImages(cache, workspace string, fetch func(image string) string, say func(string, ...any)) base.Lab {
	images := map[string]stream.Image{}
	for _, name := range guestimage.Names {
		images[name] = labImage(name)
	}
	return base.Lab{
		Images: images,
		NameOf: func(path string) string { return labImageAt(path, cache) },
		Find:   func(name string) (string, bool) { return findLabImage(cache, name) },
		Build: func(ctx context.Context, name string) (string, error) {
			if os.Getuid() != 0 {
				return "", hint.Errorf(host.Sudo(fetch(name)), "the lab's guest image is made as root")
			}
			if err := needsGo("the lab's guest image"); err != nil {
				return "", err
			}
			return guestimage.Ensure(ctx, cache, workspace, name, say)
		},
	}
}

// labImage is what is known of the lab's guest image of the name.
func labImage(name string) stream.Image { return stream.Image{Name: name, OS: guestimage.OS(name)} }

// labImageAt is the name of the lab's image that is at the path, or empty.
func labImageAt(path, cache string) string {
	if dir := filepath.Dir(path); dir == cache || dir == rootsCache {
		return guestimage.NameOf(path)
	}
	return ""
}

// findLabImage is where the lab's image of the name is or would be, and whether it is there.
func findLabImage(cache, name string) (path string, built bool) {
	path, built = guestimage.Path(cache, name)
	if others, there := guestimage.Path(rootsCache, name); there && !built {
		return others, true
	}
	return path, built
}
