package stage

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace"
)

// leaving is a node that `mage down` removes.
type leaving struct {
	node   workspace.Node
	domain engine.Domain // without a name where there is none
}

// what is all that goes with the node.
func (l leaving) what() string {
	parts := []string{}
	if l.domain.Name != "" {
		parts = append(parts, "its domain, "+string(l.domain.State))
	}
	if info, err := os.Stat(l.node.Overlay()); err == nil {
		size := info.Size()
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			size = stat.Blocks * 512
		}
		parts = append(parts, "its disk, "+progress.Bytes(size))
	}
	return strings.Join(append(parts, "what was rendered"), "; ")
}

// leaving are the nodes that go with the cluster prefix, or with an empty prefix with all of the workspace: those
// whose domains are there, and what other runs have left of nodes without one. errs tells of what stays.
func (r *Run) leaving(ctx context.Context, domains map[string]engine.Domain, prefix string) (going []leaving, errs []error) {
	nodes := map[string]leaving{}
	for _, d := range engine.Members(domains, r.Workspace, prefix) {
		node := workspace.NodeAt(r.vm(), d.Metadata.Cluster, d.Metadata.Number)
		nodes[node.Name] = leaving{node, d}
	}
	entries, _ := os.ReadDir(r.vm())
	prefixes := r.prefixes(domains)
	for _, entry := range entries {
		if domains[entry.Name()].Name != "" { // it goes with that, or is not this cluster's
			continue
		}
		node, ok := r.folder(entry, prefix, prefixes)
		if _, member := nodes[node.Name]; member || !ok {
			continue
		}
		if err := r.mayGo(ctx, node); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", node.Name, err))
			continue
		}
		nodes[node.Name] = leaving{node: node}
	}
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		going = append(going, nodes[name])
	}
	return going, errs
}

// folder is the node whose folder in vm/ the entry is, if it is one of the cluster prefix, or with an empty prefix of
// any. Its definition tells; before there is one its name does, as far as it cannot be another cluster's: web101 is a
// node of web or of web1.
func (r *Run) folder(entry os.DirEntry, prefix string, prefixes []string) (node workspace.Node, ok bool) {
	name := entry.Name()
	if !entry.IsDir() || !generated(r.vm(name), name) {
		return node, false
	}
	if m := made(workspace.Node{Dir: r.vm(name)}); m != nil && workspace.NodeName(m.Cluster, m.Number) == name {
		return workspace.NodeAt(r.vm(), m.Cluster, m.Number), prefix == "" || m.Cluster == prefix
	}
	owners := ownersOf(name, append([]string{prefix}, prefixes...))
	if len(owners) == 0 || prefix != "" && (len(owners) > 1 || owners[0] != prefix) {
		return node, false
	}
	return workspace.NodeAt(r.vm(), owners[0], workspace.NumberOf(owners[0], name)), true
}

// ownersOf are those of the clusters that can have a node of that name.
func ownersOf(name string, prefixes []string) []string {
	owners := []string{}
	for _, p := range prefixes {
		if p != "" && workspace.NumberOf(p, name) > 0 && !slices.Contains(owners, p) {
			owners = append(owners, p)
		}
	}
	return owners
}

// generated tells whether the folder is one that this project made: by a node's document or definition, or where a
// run ended before it had either, as there is nothing else in it.
func generated(folder, name string) bool {
	node := workspace.Node{Name: name, Dir: folder}
	if exists(node.Ignition()) || exists(node.XML()) {
		return true
	}
	entries, err := os.ReadDir(folder)
	return err == nil && !slices.ContainsFunc(entries, func(entry os.DirEntry) bool {
		known := []string{node.Overlay(), node.Defined(), node.Fresh(), node.Leaving(), node.Console()}
		return !slices.Contains(known, filepath.Join(folder, entry.Name())) && !strings.HasPrefix(entry.Name(), ".")
	})
}

// mayGo is an error where the folder of a node without a domain holds what may be somebody's: a disk with data goes
// only with the domain that it belongs to, and that may be another libvirt's. What is in a lab goes with the lab.
func (r *Run) mayGo(ctx context.Context, node workspace.Node) error {
	if exists(node.Leaving()) {
		return nil
	}
	m := made(node)
	if err := r.elsewhere(node, m); err != nil {
		return err
	}
	if m != nil && r.InLab && m.Libvirt == r.where() {
		return nil
	}
	disk, err := diskOf(ctx, node, engine.Domain{})
	if err == nil && (!disk.Exists || disk.Pristine) {
		return nil
	}
	return hint.Errorf(fmt.Sprintf("rm -r %q removes it", r.relative(node.Dir)),
		"%s has data, and there is no domain that it belongs to; it is left alone", r.relative(node.Overlay()))
}

// elsewhere is an error where the node was made by another libvirt than this run's: it may run there.
func (r *Run) elsewhere(node workspace.Node, m *engine.Metadata) error {
	if m == nil || m.Libvirt == "" || m.Libvirt == r.where() || exists(node.Leaving()) {
		return nil
	}
	advice := "uri=" + m.Libvirt + " is that one"
	if strings.HasPrefix(m.Libvirt, labMark) {
		advice = "`mage lab down` removes it there, `mage labdown` takes the lab apart with all that is in it"
	} else if r.InLab {
		advice = "without the word lab it is that one"
	}
	return hint.Errorf(advice, "%s was made for the libvirt at %s, and this run's is %s; it is left alone", r.relative(node.Dir), m.Libvirt, r.where())
}
