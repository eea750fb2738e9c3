package stage

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"coreos-libvirt/internal/image/store"
	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/progress"
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
	disks, err := r.disks()
	if err != nil {
		r.log.Say("images: libvirt's own domains are not counted: %s", firstLine(err))
	}
	users, err := r.imageUsers(ctx, disks)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(r.log.Writer(), 0, 8, 3, ' ', 0)
	fmt.Fprintln(table, "IMAGE\tSTREAM\tVERSION\tARCH\tSIZE\tFETCHED\tUSED BY\tNEWER")
	for _, e := range entries {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", filepath.Base(e.Path), e.Name, dash(e.Version), dash(e.Arch),
			progress.Bytes(e.Size), e.Fetched.Format("2006-01-02"), usedBy(users[e.Path]), r.newer(e))
	}
	return table.Flush()
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func firstLine(err error) string {
	first, _, _ := strings.Cut(err.Error(), "\n")
	return first
}

// usedBy names disks by their node.
func usedBy(disks []string) string {
	names := []string{}
	for _, disk := range disks {
		names = append(names, strings.TrimSuffix(filepath.Base(disk), ".qcow2"))
	}
	slices.Sort(names)
	return dash(strings.Join(names, ", "))
}

// newer is the version that the image's stream was at when it was last looked up, where that is another.
func (r *Run) newer(e store.Entry) string {
	name, ok, err := stream.Parse(e.Name)
	if !ok || err != nil {
		return "-"
	}
	at, _, err := r.images().Remembered(name, e.Arch)
	if err != nil || at.Version == e.Version {
		return "-"
	}
	return at.Version
}

// disks are all disk files of libvirt's domains, with the base images that nodes' metadata tell.
func (r *Run) disks() (map[string]string, error) {
	domains, err := r.domains()
	files := map[string]string{}
	for _, d := range domains {
		for i, disk := range d.Disks {
			files[disk] = ""
			if i == 0 && d.Metadata != nil {
				files[disk] = d.Metadata.Base
			}
		}
	}
	return files, err
}

// imageUsers are the images that disks stand on, as their headers tell, or for nodes that run, whose disks are not
// everybody's to read, their metadata.
func (r *Run) imageUsers(ctx context.Context, disks map[string]string) (map[string][]string, error) {
	users, err := r.images().Users(ctx, slices.Collect(maps.Keys(disks)))
	for disk, base := range disks {
		if err == nil && base != "" && !slices.Contains(users[base], disk) {
			users[base] = append(users[base], disk)
		}
	}
	return users, err
}

// Prune removes the images that no overlay of any workspace and no domain of libvirt's stands on.
func (r *Run) Prune(ctx context.Context) error {
	disks, err := r.disks()
	if err != nil {
		return err
	}
	users, err := r.imageUsers(ctx, disks)
	if err != nil {
		return err
	}
	removed, err := r.images().Prune(users)
	for _, e := range removed {
		r.log.Say("prune: %s removed, %s", filepath.Base(e.Path), progress.Bytes(e.Size))
	}
	if err == nil && len(removed) == 0 {
		r.log.Say("prune: there is nothing to remove")
	}
	return err
}
