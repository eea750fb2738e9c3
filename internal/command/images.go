package command

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/image/store"
	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
)

// Images lists the images in the store: what they are, who uses them, and whether there is a newer one.
func (r *Run) Images(ctx context.Context) error {
	entries, err := r.images().List()
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		r.log.Say("images: there is none in %s", r.Store)
		return nil
	}
	domains, err := r.imageDomains()
	if err != nil {
		r.log.Say("images: libvirt's own domains are not counted: %s", hint.FirstLine(err))
	}
	users, err := r.images().Users(ctx, entries, domains)
	if err != nil {
		r.log.Say("images: not all users are known: %s", hint.FirstLine(err))
	}
	latest := r.latest(ctx, entries)
	table := tabwriter.NewWriter(r.log.Writer(), 0, 8, 3, ' ', 0)
	fmt.Fprintln(table, "IMAGE\tSTREAM\tVERSION\tARCH\tSIZE\tFETCHED\tUSED BY\tNEWER")
	for _, e := range entries {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", filepath.Base(e.Path), e.Name, dash(e.Version), dash(e.Arch),
			progress.Bytes(e.Size), fetched(e), usedBy(users[e.Path]), newer(e, latest))
	}
	return table.Flush()
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
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
	return dash(strings.Join(all, "; "))
}

// latest is what the streams of the images are at, by name and architecture.
func (r *Run) latest(ctx context.Context, entries []store.Entry) map[string]string {
	versions := map[string]string{}
	for _, e := range entries {
		name, ok, err := stream.Parse(e.Name)
		if _, known := versions[e.Name+e.Arch]; known || !ok || err != nil {
			continue
		}
		version, err := base.Latest(ctx, r.imageOptions(), name, e.Arch)
		if err != nil {
			r.log.Say("images: could not look for one newer of %s: %s", name, hint.FirstLine(err))
		}
		versions[e.Name+e.Arch] = version
	}
	return versions
}

// newer is the version that the image's stream is at, where that is a later one.
func newer(e store.Entry, latest map[string]string) string {
	if version := latest[e.Name+e.Arch]; version != "" && stream.Newer(version, e.Version) {
		return version
	}
	return "-"
}

// imageDomains are libvirt's domains, as far as they may use an image.
func (r *Run) imageDomains() ([]store.Domain, error) {
	domains, err := r.domains()
	all := []store.Domain{}
	for _, d := range domains {
		one := store.Domain{Disks: d.Disks, Bases: []string{d.Backing}}
		if d.Metadata != nil {
			one.Bases = append(one.Bases, d.Metadata.Base)
		}
		all = append(all, one)
	}
	return all, err
}

// Prune removes the images that no overlay of any workspace and no domain of libvirt's stands on.
func (r *Run) Prune(ctx context.Context) error {
	removed, err := r.images().Prune(ctx, r.imageDomains)
	for _, e := range removed {
		r.log.Say("prune: %s removed, %s", filepath.Base(e.Path), progress.Bytes(e.Size))
	}
	if err == nil && len(removed) == 0 {
		r.log.Say("prune: there is nothing to remove")
	}
	return err
}
