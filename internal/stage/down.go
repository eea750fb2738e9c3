package stage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"coreos-libvirt/internal/cluster"
)

// perCluster are the names in vm/ that belong to a cluster as a whole; its prefix follows.
var perCluster = []string{"ssh.", "discovery.url.", "discovery.", "timeline.", "tls."}

// Down removes the cluster prefix=, or all clusters of this workspace where none is named: domains,
// overlays and rendered files. Base images stay, and so does every domain that is not this project's.
func (r *Run) Down(ctx context.Context) error {
	prefix := ""
	if r.Given("prefix") {
		prefix = r.Prefix
	}
	if err := r.lockAll(ctx, prefix); err != nil {
		return err
	}
	domains, err := r.domains()
	if err != nil {
		return err
	}
	r.sayForeign(domains)
	members := cluster.Members(domains, r.Workspace, prefix)
	if err := r.keepArchive(members); err != nil {
		return err
	}
	removed, err := r.removeDomains(members)
	if err != nil {
		return err
	}
	cleared, err := r.clear(domains, prefix)
	if err == nil && removed+cleared == 0 {
		r.log.Say("down: there is nothing")
	}
	return err
}

func (r *Run) removeDomains(members []cluster.Domain) (int, error) {
	conn, err := r.libvirt()
	if err != nil {
		return 0, err
	}
	var all errgroup.Group
	for _, d := range members {
		all.Go(func() error {
			if err := conn.Remove(d.Name); err != nil {
				return fmt.Errorf("%s: %w", d.Name, err)
			}
			r.log.Say("%s: domain removed", d.Name)
			return nil
		})
	}
	return len(members), all.Wait()
}

// lockAll keeps other runs off the cluster prefix or, where that is empty, off all of this workspace.
func (r *Run) lockAll(ctx context.Context, prefix string) error {
	prefixes := []string{prefix}
	if prefix == "" {
		domains, err := r.domains()
		if err != nil {
			return err
		}
		prefixes = r.prefixes(domains)
	}
	for _, p := range prefixes {
		if err := r.lock(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// prefixes are the clusters that have a domain or files here.
func (r *Run) prefixes(domains map[string]cluster.Domain) []string {
	found := []string{r.Prefix}
	for _, d := range cluster.Members(domains, r.Workspace, "") {
		found = append(found, d.Metadata.Cluster)
	}
	for _, kind := range perCluster {
		paths, _ := filepath.Glob(r.vm(kind + "*"))
		for _, path := range paths {
			if prefix := strings.TrimPrefix(filepath.Base(path), kind); !strings.Contains(prefix, ".") {
				found = append(found, prefix)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// clear removes generated files: of one cluster, or with an empty prefix all. It counts them.
func (r *Run) clear(domains map[string]cluster.Domain, prefix string) (int, error) {
	entries, err := os.ReadDir(r.vm())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	cleared := 0
	for _, entry := range entries {
		if !r.generated(entry, prefix) || r.isForeign(domains[entry.Name()]) {
			continue
		}
		if err := os.RemoveAll(r.vm(entry.Name())); err != nil {
			return cleared, fmt.Errorf("cannot remove what was generated: %w", err)
		}
		cleared++
	}
	if cleared > 0 {
		r.log.Say("down: vm/ cleared")
	}
	return cleared, err
}

// generated tells whether an entry of vm/ was made by this project for the cluster.
func (r *Run) generated(entry fs.DirEntry, prefix string) bool {
	name := entry.Name()
	for _, kind := range perCluster {
		if prefix == "" && strings.HasPrefix(name, kind) || name == kind+prefix {
			return true
		}
	}
	if name == timelineOf(prefix, "json") || name == timelineOf(prefix, "svg") {
		return true
	}
	if prefix == "" && name == templateName {
		return true
	}
	return entry.IsDir() && nodeName(prefix).MatchString(name) && !strings.HasPrefix(name, ".")
}

// nodeName matches the names of a cluster's nodes, or with an empty prefix of any cluster's.
func nodeName(prefix string) *regexp.Regexp {
	if prefix == "" {
		return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*[0-9]{2,}$`)
	}
	return regexp.MustCompile("^" + regexp.QuoteMeta(prefix) + `[0-9]{2,}$`)
}

// sayForeign tells of domains that have names of the cluster's nodes and are not this workspace's.
func (r *Run) sayForeign(domains map[string]cluster.Domain) {
	for name, d := range domains {
		if nodeName(r.Prefix).MatchString(name) && r.isForeign(d) {
			r.log.Say("%s: the domain of this name is not this workspace's; it is left alone", name)
		}
	}
}

func (r *Run) isForeign(d cluster.Domain) bool {
	return d.Name != "" && (d.Metadata == nil || d.Metadata.Workspace != r.Workspace)
}
