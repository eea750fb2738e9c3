package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
)

// Whose says what a domain is to a workspace.
type Whose int

// The answers.
const (
	Nobodys    Whose = iota // of another workspace, or none of this project's
	Ours                    // a node: it has the node's own UUID and name
	Clone                   // somebody has copied a node, with what is noted in it
	Renamed                 // a node whose domain has another name now
	Originals               // a node of the workspace that this one is a copy of
	FormerPath              // of another workspace, which was at this path before
)

// Whose is whose the domain is.
func (w Workspace) Whose(d engine.Domain) Whose {
	m := d.Metadata
	switch {
	case m == nil || !marked(w, m) && (m.ID == "" || !w.IsAt(m.Workspace)):
		return Nobodys
	case !marked(w, m):
		return FormerPath
	case !hasUUID(w, d):
		return Clone
	case d.Name != NameOf(m):
		return Renamed
	case !w.IsAt(m.Workspace) && (isCopyOf(w, m.Workspace) || hasFilesElsewhere(w, d)):
		return Originals
	}
	return Ours
}

// marked reports whether the mark is of this workspace. Where it has no ID, its path decides.
func marked(w Workspace, m *engine.Metadata) bool {
	if m.ID != "" {
		return m.ID == w.ID
	}
	return w.IsAt(m.Workspace) || w.Origin != "" && m.Workspace == w.Origin
}

// IsAt reports whether the path leads to this workspace.
func (w Workspace) IsAt(path string) bool { return path == w.Root || resolve(path) == w.Root }

// hasUUID reports whether the domain has the UUID of the node that its mark names.
func hasUUID(w Workspace, d engine.Domain) bool {
	name := NameOf(d.Metadata)
	return slices.ContainsFunc([]string{w.origin(), d.Metadata.Workspace, w.Root}, func(root string) bool {
		return d.UUID == domainUUID(Workspace{Root: root}.VM(name))
	})
}

// isCopyOf reports whether the workspace is at that path, too. If nobody can know, it is.
func isCopyOf(w Workspace, path string) bool {
	original, err := At(path)
	return err == nil && w.ID != "" && original.ID == w.ID || err != nil && !errors.Is(err, fs.ErrNotExist)
}

// hasFilesElsewhere reports whether the domain's disk is there, in the workspace that its mark names, and is another file than the
// one of this workspace. If nobody can know, it is. One in a storage pool says nothing of workspaces.
func hasFilesElsewhere(w Workspace, d engine.Domain) bool {
	return slices.ContainsFunc(d.Disks, func(disk string) bool {
		if !strings.HasPrefix(disk, filepath.Clean(d.Metadata.Workspace)+"/") {
			return false
		}
		own, _ := os.Stat(w.VM(d.Name, filepath.Base(disk)))
		info, err := os.Stat(disk)
		return err == nil && !os.SameFile(own, info) || err != nil && !errors.Is(err, fs.ErrNotExist)
	})
}

// Owns reports whether the domain is a node of this workspace.
func (w Workspace) Owns(d engine.Domain) bool { return w.Whose(d) == Ours }

// Members are the domains that are nodes of this workspace, sorted by name: those of the cluster, or with an empty cluster
// those of all its clusters.
func (w Workspace) Members(domains map[string]engine.Domain, cluster string) (ours []engine.Domain) {
	for _, name := range slices.Sorted(maps.Keys(domains)) {
		if d := domains[name]; w.Owns(d) && (cluster == "" || d.Metadata.Cluster == cluster) {
			ours = append(ours, d)
		}
	}
	return ours
}

// HasMoved reports whether the node's definition has paths of where the workspace was before.
func HasMoved(w Workspace, d engine.Domain) bool { return w.Owns(d) && !w.IsAt(d.Metadata.Workspace) }

// Strangers says, a line a domain, which domains carry the mark of a node of the cluster, or with an empty cluster of any, and
// are none of this workspace's.
func (w Workspace) Strangers(domains map[string]engine.Domain, cluster string) (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(domains)) {
		d := domains[name]
		if d.Metadata == nil || cluster != "" && d.Metadata.Cluster != cluster {
			continue
		}
		if what := stranger(w, d); what != "" {
			lines = append(lines, fmt.Sprintf("%s: %s; it is left alone", name, what))
		}
	}
	return lines
}

// stranger says what the domain is, if it carries a mark of this workspace's, or of one at its path, and is not ours.
func stranger(w Workspace, d engine.Domain) string {
	node := NameOf(d.Metadata)
	switch w.Whose(d) {
	case Clone:
		return fmt.Sprintf("the domain is a copy of %s, with another UUID: it is not a node", node)
	case Renamed:
		return fmt.Sprintf("the domain is the node %s, which somebody has renamed", node)
	case Originals:
		return fmt.Sprintf("the domain is a node of the workspace %s, of which this one is a copy", d.Metadata.Workspace)
	case FormerPath:
		return "the domain is a node of another workspace, which was at this path before"
	}
	return ""
}

// Unused is an error if another domain uses the node's disk, itself or as what its own stands on: it must not go then.
func Unused(w Workspace, node Node, domains map[string]engine.Domain, disks engine.Disks) error {
	user, disk := userOf(w, node, domains, disks)
	if user == "" {
		return nil
	}
	advice := "give the domain " + user + " another disk, or remove it yourself: virsh undefine " + user
	if d := domains[user]; w.Whose(d) == Renamed {
		advice = way(w, d)
	}
	return hint.Errorf(advice, "the domain %s uses its disk, %s; both are left alone", user, w.Relative(disk))
}

// userOf is the domain, other than the node's own, that uses one of the node's disks, and which; empty if there is none.
func userOf(w Workspace, node Node, domains map[string]engine.Domain, disks engine.Disks) (user, used string) {
	is := isDisk(w, node, domains[node.Name])
	if seen := disks.Seen(node.Files()); seen != node.Files() {
		is = seen.Disk // the engine's names: this host has nothing by them
	}
	for _, name := range slices.Sorted(maps.Keys(domains)) {
		d := domains[name]
		if name == node.Name && w.Owns(d) {
			continue
		}
		for _, disk := range d.Disks {
			for range longestChain {
				if own := is(disk); own != "" {
					return name, own
				}
				if disk = disks.Under(d, disk); disk == "" {
					break
				}
			}
		}
	}
	return "", ""
}

// longestChain is how many files a disk may stand on, one on the other.
const longestChain = 64

// isDisk gives the node's disk that a path is, now or before the workspace was moved; empty if it is none. own is the node's
// domain.
func isDisk(w Workspace, node Node, own engine.Domain) func(path string) string {
	before := node
	before.Dir = Workspace{Root: w.origin()}.VM(node.Name)
	disks := node.Disks()
	return func(path string) string {
		info, err := os.Stat(path)
		if err != nil {
			path = filepath.Clean(path)
			if node.IsDisk(path) || before.IsDisk(path) || w.Owns(own) && slices.Contains(own.Disks, path) {
				return node.Overlay()
			}
			return ""
		}
		for _, disk := range disks {
			if file, err := os.Stat(disk); err == nil && os.SameFile(file, info) {
				return disk
			}
		}
		return ""
	}
}
