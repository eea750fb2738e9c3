package stage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
)

// perCluster are the names in vm/ that belong to a cluster as a whole; its prefix follows.
var perCluster = []string{"ssh.", "discovery.url.", "discovery.", "timeline.", "tls."}

// Down removes the cluster prefix=, or all clusters of this workspace where none is named: domains,
// overlays and rendered files. Base images stay, and so does every domain that is not this project's, and every disk
// with data that goes with none of the domains. It says first what goes.
func (r *Run) Down(ctx context.Context) error {
	prefix := r.givenPrefix()
	if err := r.lockAll(ctx, prefix); err != nil {
		return err
	}
	domains, err := r.domains()
	if err != nil {
		return err
	}
	r.sayForeign(domains)
	going, staying := r.leaving(ctx, domains, prefix)
	for _, l := range going {
		r.log.Say("%s: goes: %s", l.node.Name, l.what())
	}
	if err := r.keepArchive(going); err != nil {
		return err
	}
	failed := eachOf(len(going), func(i int) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.remove(going[i]); err != nil {
			return fmt.Errorf("%s: %w", going[i].node.Name, err)
		}
		return nil
	})
	if err := errors.Join(append(failed, staying...)...); err != nil {
		return err // what nodes that are left need stays with them
	}
	cleared, err := r.clear(prefix)
	if err != nil {
		return err
	}
	if len(going)+cleared > 0 {
		r.log.Say("down: vm/ cleared")
	} else {
		r.log.Say("down: there is nothing")
	}
	return nil
}

// remove removes the node: its domain, if it has one, then its folder.
func (r *Run) remove(l leaving) error {
	if l.domain.Name != "" {
		if err := mark(l.node); err != nil {
			return err
		}
		if err := r.conn.Remove(l.domain.UUID, r.Workspace); err != nil {
			return err
		}
		r.log.Say("%s: domain removed", l.node.Name)
	}
	return removeFolder(l.node)
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
func (r *Run) prefixes(domains map[string]engine.Domain) []string {
	found := []string{r.Prefix}
	locks, _ := filepath.Glob(r.vm(lockName("*")))
	for _, path := range locks {
		found = append(found, strings.TrimPrefix(filepath.Base(path), lockName("")))
	}
	for _, d := range engine.Members(domains, r.Workspace, "") {
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

// clear removes the files that belong to a cluster as a whole: of one, or with an empty prefix all. It counts them.
func (r *Run) clear(prefix string) (int, error) {
	entries, err := os.ReadDir(r.vm())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	cleared := 0
	for _, entry := range entries {
		if !clusters(entry.Name(), prefix) {
			continue
		}
		if err := os.RemoveAll(r.vm(entry.Name())); err != nil {
			return cleared, fmt.Errorf("cannot remove what was generated: %w", err)
		}
		cleared++
	}
	return cleared, err
}

// unfinished are the names of files that a run was killed at writing, as artifact.Write has them.
var unfinished = regexp.MustCompile(`^\.(.+?)[0-9]{4,}$`)

// clusters tells whether an entry of vm/ belongs to the cluster as a whole, or with an empty prefix to all.
func clusters(name, prefix string) bool {
	if whole := unfinished.FindStringSubmatch(name); whole != nil {
		name = whole[1]
	}
	for _, kind := range perCluster {
		if prefix == "" && strings.HasPrefix(name, kind) || name == kind+prefix {
			return true
		}
	}
	return name == timelineOf(prefix, "json") || name == timelineOf(prefix, "svg") || prefix == "" && name == templateName
}

// sayForeign tells of domains that have names of the cluster's nodes and are not this workspace's.
func (r *Run) sayForeign(domains map[string]engine.Domain) {
	for _, name := range slices.Sorted(maps.Keys(domains)) {
		if workspace.NumberOf(r.Prefix, name) > 0 && r.isForeign(domains[name]) {
			r.log.Say("%s: the domain of this name is not this workspace's; it is left alone", name)
		}
	}
}

func (r *Run) isForeign(d engine.Domain) bool {
	return d.Name != "" && (d.Metadata == nil || d.Metadata.Workspace != r.Workspace)
}
