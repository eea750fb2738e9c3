// Package facts looks at what there is of a node: its files, its disk, and how its domain was made. It changes nothing.
package facts

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// Of is what there is of the node. An error says that nothing says what the disk was made from, and the user does not want
// the node recreated in any case.
func (p Place) Of(ctx context.Context, disks engine.Disks, node workspace.Node, domains map[string]engine.Domain, wishes plan.Wishes) (plan.Found, error) {
	domain, defined := domains[node.Name]
	found := plan.Found{
		Node: node, Domain: domain, Defined: defined, Made: p.Made(node), Wishes: wishes,
		Leaving: workspace.Exists(node.Leaving()), History: plan.History{Fresh: workspace.Exists(node.Fresh())},
	}
	var err error
	if found.Disk, err = disks.Look(ctx, node.Files(), domain); err != nil {
		return found, err
	}
	found.Unbootable = p.Unbootable(node, disks.Seen(node.Files()), found.Disk, made(found))
	if found.Orphan() && found.Made == nil && !found.Force {
		return found, hint.Errorf(fmt.Sprintf("`mage up prefix=%s recreate=%s` recreates the node and deletes the data; to keep them, first copy the file elsewhere", node.Cluster(), node.Name),
			"%s: this disk has data, but no domain uses it, and it is not known which config it was made from", p.Relative(disks.Seen(node.Files()).Overlay))
	}
	if defined {
		var text string
		if text, found.Recorded = p.recorded(node, domain); found.Recorded {
			found.Edited = p.edited(text, domain)
		}
	}
	found.Made, found.Domain.Metadata = p.Rebased(found.Made), p.Rebased(domain.Metadata)
	return found, nil
}

// made is what the disk was made from, as the domain says, or where there is none the folder.
func made(found plan.Found) *engine.Metadata {
	if found.Defined {
		return found.Domain.Metadata
	}
	return found.Made
}

// Made is what the node's disk was made from, as the definition in its folder says; nil if it does not say so.
func (p Place) Made(node workspace.Node) *engine.Metadata {
	text, err := os.ReadFile(node.XML())
	if err != nil {
		return nil
	}
	domain, err := p.Definitions.Parse(string(text))
	if err != nil || domain.Metadata == nil {
		return nil
	}
	domain.Metadata.Firmware = cmp.Or(domain.Metadata.Firmware, domain.Firmware)
	return domain.Metadata
}

// AnyMember reports whether a node of the cluster prefix has been made that is a member of its etcd, if it has one.
func (p Place) AnyMember(prefix string) bool {
	entries, _ := os.ReadDir(p.VM())
	for _, entry := range entries {
		group, n, can := workspace.Parse(prefix, entry.Name())
		if !can {
			continue
		}
		node := workspace.NodeIn(p.Workspace, prefix, group, n)
		m := p.Made(node)
		ours := m == nil && group == "" || m != nil && m.Cluster == prefix && m.Group == group && m.IsMember()
		if ours && p.hasDisk(node) {
			return true
		}
	}
	return false
}

// hasDisk reports whether the node has a disk. Of one in a storage pool, which is in no folder of the node's, it is known that the domain with it
// was defined.
func (p Place) hasDisk(node workspace.Node) bool {
	if workspace.Exists(node.Overlay()) {
		return true
	}
	text, err := os.ReadFile(node.Defined())
	if err != nil || workspace.Exists(node.Leaving()) {
		return false
	}
	d, err := p.Definitions.Parse(string(text))
	return err == nil && len(d.Disks) > 0 && filepath.Base(filepath.Dir(d.Disks[0])) != node.Name
}
