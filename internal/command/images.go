package command

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/image/store"
	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/terminal/table"
)

// Images lists the images in the store: what they are, who uses them, and whether there is a newer one.
func Images(ctx context.Context, r *Run) error {
	entries, err := images(r.Store).List()
	if err != nil {
		return err
	}
	if len(entries) == 0 && r.Format != "json" {
		r.log.Say("images: there is none in %s", r.Store)
		return nil
	}
	domains, err := r.domains()
	if err != nil {
		r.log.Say("images: libvirt's own domains are not counted: %s", hint.FirstLine(err))
	}
	users, err := images(r.Store).Users(ctx, entries, mayUse(domains))
	if err != nil {
		r.log.Say("images: not all users are known: %s", hint.FirstLine(err))
	}
	newest := latest(ctx, imageOptions(r, false), entries)
	if r.Format == "json" {
		return table.JSON(r.out, storedImages(entries, users, newest))
	}
	return imagesTable(entries, users, newest).Print(r.log.Writer())
}

// storedImage is an image as `mage images format=json` prints it.
type storedImage struct {
	Path    string    `json:"path"`
	Stream  string    `json:"stream"`
	Version string    `json:"version,omitempty"`
	Arch    string    `json:"arch,omitempty"`
	Size    int64     `json:"size"` // bytes
	Fetched time.Time `json:"fetched,omitzero"`
	UsedBy  []string  `json:"used_by"`         // disks
	Newer   string    `json:"newer,omitempty"` // the version that the stream is at, if that is a later one
}

func storedImages(entries []store.Entry, users map[string][]string, latest map[string]string) []storedImage {
	all := []storedImage{}
	for _, e := range entries {
		i := storedImage{e.Path, e.Name, e.Version, e.Arch, e.Size, e.Fetched, append([]string{}, users[e.Path]...), newer(e, latest)}
		if i.Newer == "-" {
			i.Newer = ""
		}
		all = append(all, i)
	}
	return all
}

// imagesTable has a line an image. users are the disks on each image, by its path; latest is what its stream is at.
func imagesTable(entries []store.Entry, users map[string][]string, latest map[string]string) *table.Table {
	rows := table.New("IMAGE", "STREAM", "VERSION", "ARCH", "SIZE", "FETCHED", "USED BY", "NEWER")
	for _, e := range entries {
		rows.Row(filepath.Base(e.Path), e.Name, table.Dash(e.Version), table.Dash(e.Arch),
			progress.Bytes(e.Size), fetched(e), usedBy(users[e.Path]), newer(e, latest))
	}
	return rows
}

func fetched(e store.Entry) string {
	if e.Fetched.IsZero() {
		return "-"
	}
	return e.Fetched.Format(time.DateOnly)
}

// usedBy names disks by their node, and the workspaces that they are in.
func usedBy(disks []string) string {
	nodes := map[string][]string{} // by workspace
	for _, disk := range disks {
		workspace, node, found := strings.Cut(disk, "/vm/")
		if !found {
			workspace, node = filepath.Split(disk)
		}
		node = strings.TrimSuffix(filepath.Base(node), ".qcow2")
		nodes[filepath.Clean(workspace)] = append(nodes[filepath.Clean(workspace)], node)
	}
	all := []string{}
	for _, workspace := range slices.Sorted(maps.Keys(nodes)) {
		slices.Sort(nodes[workspace])
		all = append(all, strings.Join(nodes[workspace], ", ")+" in "+workspace)
	}
	return table.Dash(strings.Join(all, "; "))
}

// latest is what the streams of the images are at, by name and architecture. o says how a stream is asked.
func latest(ctx context.Context, o base.Options, entries []store.Entry) map[string]string {
	versions := map[string]string{}
	for _, e := range entries {
		name, ok, err := stream.Parse(e.Name)
		if _, known := versions[e.Name+e.Arch]; known || !ok || err != nil {
			continue
		}
		version, err := base.Latest(ctx, o, name, e.Arch)
		if err != nil {
			o.Say("images: could not look for one newer of %s: %s", name, hint.FirstLine(err))
		}
		versions[e.Name+e.Arch] = version
	}
	return versions
}

// newer is the version that the image's stream is at, if that is a later one.
func newer(e store.Entry, latest map[string]string) string {
	if version := latest[e.Name+e.Arch]; version != "" && stream.Newer(version, e.Version) {
		return version
	}
	return "-"
}

// mayUse are the domains, as far as they may use an image.
func mayUse(domains map[string]engine.Domain) []store.Domain {
	all := []store.Domain{}
	for _, d := range domains {
		one := store.Domain{Disks: d.Disks, Bases: []string{d.Backing}}
		if d.Metadata != nil {
			one.Bases = append(one.Bases, d.Metadata.Base)
		}
		all = append(all, one)
	}
	return all
}

// Prune removes the images that no overlay of any workspace and no domain of libvirt's stands on.
func Prune(ctx context.Context, r *Run) error {
	removed, err := images(r.Store).Prune(ctx, func() ([]store.Domain, error) {
		domains, err := r.domains()
		return mayUse(domains), err
	})
	for _, e := range removed {
		r.log.Say("prune: %s removed, %s", filepath.Base(e.Path), progress.Bytes(e.Size))
	}
	copies, failed := pruneCopies(r)
	err = errors.Join(err, failed)
	if r.Format == "json" {
		return errors.Join(table.JSON(r.out, storedImages(removed, nil, nil)), err)
	}
	if err == nil && len(removed)+copies == 0 {
		r.log.Say("prune: there is nothing to remove")
	}
	return err
}

// pruneCopies removes the copies of base images that nodes elsewhere had, and says so. It gives how many.
func pruneCopies(r *Run) (count int, err error) {
	domains, err := r.domains()
	if err != nil {
		return 0, err
	}
	copies, has := engine.As[engine.Copies](r.conn)
	if !has {
		return 0, nil
	}
	removed, bytes, err := copies.PruneCopies(domains)
	if len(removed) > 0 {
		r.log.Say("prune: %s removed at uri=%s, %s", strings.Join(removed, ", "), r.URI, progress.Bytes(bytes))
	}
	return len(removed), err
}
