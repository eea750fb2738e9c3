package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"coreos-libvirt/internal/cluster/apply"
	"coreos-libvirt/internal/cluster/facts"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/wait"
)

// Down removes the cluster prefix=, or if none is named all clusters of this workspace: domains, overlays and rendered
// files. Base images stay, and so does every domain that is not this project's, and every disk with data that goes with none
// of the domains. It says first what goes.
func (r *Run) Down(ctx context.Context) error {
	if err := lockChosen(ctx, r); err != nil {
		return err
	}
	domains, err := r.domains()
	if err != nil {
		return err
	}
	for _, name := range foreigners(r.ws(), r.Prefix, domains) {
		r.log.Say("%s: the domain of this name is not this workspace's; it is left alone", name)
	}
	prefix := chosen(r).prefix
	going, staying := r.at().Leaving(ctx, r.conn.Disks(), domains, prefix, r.ws().Prefixes(r.Prefix, domains))
	for _, l := range going {
		r.log.Say("%s: goes: %s", l.Node.Name, l.What())
	}
	if err := keepArchive(r.Archive, r.ws().VM(), r.conn.Disks(), going, r.log.Say); err != nil {
		return err
	}
	if err := errors.Join(append(removeAll(ctx, r, going), staying...)...); err != nil {
		return err // what nodes that are left need stays with them
	}
	cleared, err := r.ws().Clear(prefix)
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

// removeAll removes the nodes, several at once, and gives the errors in their order.
func removeAll(ctx context.Context, r *Run, nodes []facts.Leaving) []error {
	return wait.Each(len(nodes), func(i int) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := removeLeaving(r.conn, r.Workspace, nodes[i], r.log.Say); err != nil {
			return fmt.Errorf("%s: %w", nodes[i].Node.Name, err)
		}
		return nil
	})
}

// removeLeaving removes a node of the workspace: its domain, if it has one, then its folder.
func removeLeaving(on engine.Engine, workspace string, l facts.Leaving, say func(string, ...any)) error {
	if l.Domain.Name != "" {
		if err := l.Node.MarkLeaving(); err != nil {
			return err
		}
		if err := on.Remove(l.Domain.UUID, workspace); err != nil {
			return err
		}
		say("%s: domain removed", l.Node.Name)
	}
	return apply.RemoveFiles(on.Disks(), l.Node)
}

// lockChosen keeps other runs off the cluster prefix= or, if none is named, off all clusters of this workspace.
func lockChosen(ctx context.Context, r *Run) error {
	if prefix := chosen(r).prefix; prefix != "" {
		return r.lock(ctx, prefix)
	}
	domains, err := r.domains()
	if err != nil {
		return err
	}
	for _, prefix := range r.ws().Prefixes(r.Prefix, domains) {
		if err := r.lock(ctx, prefix); err != nil {
			return err
		}
	}
	return nil
}

// foreigners are the domains that have names of the cluster's nodes and are not the workspace's.
func foreigners(w workspace.Workspace, prefix string, domains map[string]engine.Domain) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(domains)) {
		if workspace.NumberOf(prefix, name) > 0 && w.IsForeign(domains[name]) {
			names = append(names, name)
		}
	}
	return names
}
