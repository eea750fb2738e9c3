package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"coreos-libvirt/internal/cluster/facts"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/wait"
)

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
	going, staying := r.at().Leaving(ctx, domains, prefix, r.prefixes(domains))
	for _, l := range going {
		r.log.Say("%s: goes: %s", l.Node.Name, l.What())
	}
	if err := r.keepArchive(going); err != nil {
		return err
	}
	failed := wait.Each(len(going), func(i int) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.remove(going[i]); err != nil {
			return fmt.Errorf("%s: %w", going[i].Node.Name, err)
		}
		return nil
	})
	if err := errors.Join(append(failed, staying...)...); err != nil {
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

// remove removes the node: its domain, if it has one, then its folder.
func (r *Run) remove(l facts.Leaving) error {
	if l.Domain.Name != "" {
		if err := l.Node.MarkLeaving(); err != nil {
			return err
		}
		if err := r.conn.Remove(l.Domain.UUID, r.Workspace); err != nil {
			return err
		}
		r.log.Say("%s: domain removed", l.Node.Name)
	}
	return l.Node.RemoveFiles()
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
	return r.ws().Prefixes(r.Prefix, domains)
}

// sayForeign tells of domains that have names of the cluster's nodes and are not this workspace's.
func (r *Run) sayForeign(domains map[string]engine.Domain) {
	for _, name := range slices.Sorted(maps.Keys(domains)) {
		if workspace.NumberOf(r.Prefix, name) > 0 && r.ws().IsForeign(domains[name]) {
			r.log.Say("%s: the domain of this name is not this workspace's; it is left alone", name)
		}
	}
}
