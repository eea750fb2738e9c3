package workspace

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
)

// Foreign is one error that names every domain in the way. A domain of somebody else is in the way if it has a node's name,
// hardware address or disk, or if it is of a cluster of this name in another workspace. A copy of a node is
// not. Two nodes may not have the same hardware address either: three bytes of it are of a hash.
func Foreign(w Workspace, nodes []Node, domains map[string]engine.Domain, cluster string) error {
	var all []error
	macs := map[string]string{}
	for _, n := range nodes {
		if other, ok := macs[n.MAC]; ok {
			all = append(all, hint.Errorf("choose another prefix=, or fewer nodes", "%s and %s would have the same hardware address, %s", other, n.Name, n.MAC))
		}
		macs[n.MAC] = n.Name
	}
	named := map[string]bool{}
	for _, n := range nodes {
		named[n.Name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(domains)) {
		d := domains[name]
		m := d.Metadata
		whose := w.Whose(d)
		if whose == Ours && m.Cluster == cluster {
			continue
		}
		if named[name] || m != nil && m.Cluster == cluster && whose != Clone {
			all = append(all, foreign(w, d))
		}
		if whose != Renamed {
			all = append(all, inTheWay(d, macs, nodes))
		}
	}
	return errors.Join(all...)
}

// inTheWay is an error if somebody else's domain has a node's hardware address or disk.
func inTheWay(d engine.Domain, macs map[string]string, nodes []Node) error {
	const advice = "choose another prefix=, or change the domain"
	for _, mac := range d.MACs {
		if node, ok := macs[mac]; ok && node != d.Name {
			return hint.Errorf(advice, "%s: its hardware address %s is that of the domain %s, which is somebody else's", node, mac, d.Name)
		}
	}
	for _, disk := range d.Disks {
		if i := slices.IndexFunc(nodes, func(n Node) bool { return n.IsDisk(disk) }); i >= 0 {
			return hint.Errorf(advice, "%s: its disk %s belongs to the domain %s, which is somebody else's", nodes[i].Name, disk, d.Name)
		}
	}
	return nil
}

// foreign is an error that says whose domain d is, if it is not the cluster's own.
func foreign(w Workspace, d engine.Domain) error {
	m := d.Metadata
	if m == nil {
		return hint.Errorf(fmt.Sprintf("choose another prefix=, or remove it yourself: virsh undefine %s", d.Name),
			"%s: libvirt has a domain of this name that this project did not make; it is left alone", d.Name)
	}
	switch w.Whose(d) {
	case Nobodys:
		return hint.Errorf("choose another prefix=, or run `mage down` there",
			"%s: the domain belongs to the workspace %s; it is left alone", d.Name, m.Workspace)
	case Ours:
		return hint.Errorf("choose another prefix=", "%s: the domain belongs to the cluster %s; it is left alone", d.Name, m.Cluster)
	}
	return hint.Errorf(way(w, d), "%s: %s; it is left alone", d.Name, stranger(w, d))
}

// way is what to do about a domain that carries a mark of this workspace's, or of one at its path, and is not ours.
func way(w Workspace, d engine.Domain) string {
	m := d.Metadata
	switch w.Whose(d) {
	case Renamed:
		return fmt.Sprintf("virsh domrename %s %s gives it its name back, if it is shut off", d.Name, NameOf(m))
	case Originals:
		return fmt.Sprintf("choose another prefix=, or run `mage down` in %s", m.Workspace)
	case FormerPath:
		return "choose another prefix=, or if it is this workspace's and vm/ was removed: " + identity{m.ID, m.Workspace}.command()
	}
	return "choose another prefix="
}

// IsForeign reports whether there is a domain that is not this workspace's.
func (w Workspace) IsForeign(d engine.Domain) bool {
	return d.Name != "" && !w.Owns(d)
}

// Resolved are the domains. Disks that are below vm/ have their paths below vm/, whatever symbolic links lead there.
func (w Workspace) Resolved(domains map[string]engine.Domain) map[string]engine.Domain {
	vm, err := filepath.EvalSymlinks(w.VM())
	if err != nil {
		return domains
	}
	all := maps.Clone(domains)
	for name, d := range all {
		disks := []string{}
		for _, disk := range d.Disks {
			disks = append(disks, w.resolved(vm, disk))
		}
		d.Disks = disks
		all[name] = d
	}
	return all
}

// resolved is the path of a disk below vm/, if it is below that folder's real path.
func (w Workspace) resolved(vm, disk string) string {
	if real, err := filepath.EvalSymlinks(disk); err == nil {
		disk = real
	}
	if below, err := filepath.Rel(vm, disk); err == nil && filepath.IsLocal(below) {
		return w.VM(below)
	}
	return disk
}
