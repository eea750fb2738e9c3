// Package facts looks at what there is of a node: its files, its disk, and how its domain was made. It changes nothing.
package facts

import (
	"cmp"
	"context"
	"os"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// Of is what there is of the node. An error says that nothing tells what the disk was made from, and the user does not want
// the node recreated in any case.
func Of(ctx context.Context, w workspace.Workspace, node workspace.Node, domains map[string]engine.Domain, wishes plan.Wishes) (plan.Found, error) {
	domain, defined := domains[node.Name]
	found := plan.Found{
		Node: node, Domain: domain, Defined: defined, Made: Made(node), Wishes: wishes,
		Leaving: workspace.Exists(node.Leaving()), History: plan.History{Fresh: workspace.Exists(node.Fresh())},
	}
	var err error
	if found.Disk, err = Disk(ctx, node, domain); err != nil {
		return found, err
	}
	if found.Orphan() && found.Made == nil && !found.Force {
		return found, hint.Errorf("recreate="+node.Name+" makes it anew, without them; or move the file away",
			"%s has data, and there is neither a domain that it belongs to nor word of what it was made from", w.Relative(node.Overlay()))
	}
	if defined {
		var made string
		if made, found.Recorded = recorded(node, domain); found.Recorded {
			found.Edited = edited(made, domain)
		}
	}
	return found, nil
}

// Made is what the node's disk was made from, as the definition in its folder says; nil if it does not say so.
func Made(node workspace.Node) *engine.Metadata {
	text, err := os.ReadFile(node.XML())
	if err != nil {
		return nil
	}
	domain, err := libvirt.ParseDomain(string(text))
	if err != nil || domain.Metadata == nil {
		return nil
	}
	domain.Metadata.Firmware = cmp.Or(domain.Metadata.Firmware, domain.Firmware)
	return domain.Metadata
}
