package facts

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace"
)

// Leaving is a node that `mage down` removes.
type Leaving struct {
	Node   workspace.Node
	Domain engine.Domain // without a name if there is none
	Bytes  int64         // that its disks take
	Disks  int           // how many those are
}

// What is all that goes with the node.
func (l Leaving) What() string {
	parts := []string{}
	if l.Domain.Name != "" {
		parts = append(parts, "its domain, "+string(l.Domain.State))
	}
	if l.Disks == 1 {
		parts = append(parts, "its disk, "+progress.Bytes(l.Bytes))
	} else if l.Disks > 1 {
		parts = append(parts, fmt.Sprintf("its %d disks, %s", l.Disks, progress.Bytes(l.Bytes)))
	}
	return strings.Join(append(parts, "what was rendered"), "; ")
}

// Leaving are the nodes that go with the cluster prefix, or with an empty prefix with all of the workspace: those that have
// a domain, and what other runs have left of nodes without one. errs says what stays, and why. prefixes are all clusters of
// the workspace.
func (p Place) Leaving(ctx context.Context, disks engine.Disks, domains map[string]engine.Domain, prefix string, prefixes []string) (going []Leaving, errs []error) {
	nodes := map[string]Leaving{}
	for _, d := range p.Members(domains, prefix) {
		node := p.NodeOf(d.Metadata)
		if err := workspace.Unused(p.Workspace, node, domains, disks); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", node.Name, err))
			continue
		}
		nodes[node.Name] = leaving(disks, node, d)
	}
	entries, _ := os.ReadDir(p.VM())
	for _, entry := range entries {
		if domains[entry.Name()].Name != "" { // it goes with that, or is not this cluster's
			continue
		}
		node, ok := p.Folder(entry, prefix, prefixes)
		if _, member := nodes[node.Name]; member || !ok {
			continue
		}
		if err := errors.Join(workspace.Unused(p.Workspace, node, domains, disks), p.mayGo(ctx, disks, node)); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", node.Name, err))
			continue
		}
		nodes[node.Name] = leaving(disks, node, engine.Domain{})
	}
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		going = append(going, nodes[name])
	}
	return going, errs
}

func leaving(disks engine.Disks, node workspace.Node, domain engine.Domain) Leaving {
	bytes, count := disks.Size(node.Files())
	return Leaving{Node: node, Domain: domain, Bytes: bytes, Disks: count}
}

// Remains are what is left of a cluster, a domain or a folder: what it needs of vm/ must stay. prefixes are all clusters of the
// workspace.
func (p Place) Remains(domains map[string]engine.Domain, prefix string, prefixes []string) (names []string) {
	for name, d := range domains {
		if m := d.Metadata; m != nil && m.Cluster == prefix && slices.Contains([]workspace.Whose{workspace.Ours, workspace.Renamed, workspace.Originals}, p.Whose(d)) {
			names = append(names, "the domain "+name)
		}
	}
	entries, _ := os.ReadDir(p.VM())
	for _, entry := range entries {
		if _, is := p.Folder(entry, prefix, prefixes); is {
			names = append(names, p.Relative(p.VM(entry.Name())))
		}
	}
	slices.Sort(names)
	return names
}

// Folder is the node whose folder in vm/ the entry is, if it is one of the cluster prefix, or with an empty prefix of any
// cluster. The definition in it says whose it is. Before there is one, its name does, unless another cluster can have a node
// of that name: web101 is a node of web or of web1, web-db01 of web-db or of the group db of web.
func (p Place) Folder(entry os.DirEntry, prefix string, prefixes []string) (node workspace.Node, ok bool) {
	name := entry.Name()
	folder := workspace.Node{Name: name, Dir: p.VM(name)}
	if !entry.IsDir() || !folder.Generated() {
		return node, false
	}
	if m := p.Made(folder); m != nil && workspace.NameOf(m) == name {
		return p.NodeOf(m), prefix == "" || m.Cluster == prefix
	}
	owners := workspace.OwnersOf(name, append([]string{prefix}, prefixes...))
	if len(owners) == 0 || prefix != "" && (len(owners) > 1 || owners[0] != prefix) {
		return node, false
	}
	group, number, _ := workspace.Parse(owners[0], name)
	return workspace.NodeIn(p.Workspace, owners[0], group, number), true
}

// mayGo is an error if the folder of a node without a domain has what may be somebody's. A disk with data goes only with the
// domain that it belongs to, and that may be in another libvirt. What is in a lab goes with the lab.
func (p Place) mayGo(ctx context.Context, disks engine.Disks, node workspace.Node) error {
	if err := p.unknown(node); err != nil {
		return err
	}
	if workspace.Exists(node.Leaving()) {
		return nil
	}
	m := p.Made(node)
	if err := p.elsewhere(node, m); err != nil {
		return err
	}
	if p.isOfThisLab(m) {
		return nil
	}
	disk, failed := disks.Look(ctx, node.Files(), engine.Domain{})
	if failed == nil && !disk.HasData() {
		return nil
	}
	seen := disks.Seen(node.Files())
	path, way := seen.Overlay, fmt.Sprintf("rm -r %q removes it", p.Relative(node.Dir))
	if !disk.Exists && len(disk.Data) > 0 {
		path = seen.Further(disk.Data[0])
	}
	if seen != node.Files() {
		way = fmt.Sprintf("virsh -c '%s' vol-delete %s removes it", p.uriOf(m), path)
	}
	if failed != nil {
		return hint.Errorf(way, "there is no domain that its disk belongs to, and it may have data; it is left alone: %s", hint.FirstLine(failed))
	}
	return hint.Errorf(way, "%s has data, and there is no domain that it belongs to; it is left alone", p.Relative(path))
}

// unknown is why the node may have a domain all the same; nil if it cannot.
func (p Place) unknown(node workspace.Node) error {
	if p.Unknown == nil {
		return nil
	}
	return p.Unknown(node.Name)
}

// isOfThisLab reports whether the run is inside the lab in which the node was made.
func (p Place) isOfThisLab(m *engine.Metadata) bool {
	if m == nil || !p.InLab {
		return false
	}
	_, has := p.Has(m.Libvirt)
	return has
}

// uriOf is the libvirt that the node was made by, if it is one of the run's.
func (p Place) uriOf(m *engine.Metadata) string {
	if m == nil {
		return p.URI
	}
	host, _ := p.Has(m.Libvirt)
	return p.On(host).URI
}
