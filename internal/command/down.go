package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

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
	prefix := chosen(r).prefix
	for _, line := range leftAlone(r, prefix, domains) {
		r.log.Say("%s", line)
	}
	going, staying := r.at().Leaving(ctx, r.conn.Disks(), domains, prefix, r.ws().Prefixes(r.Prefix, domains))
	for _, l := range going {
		r.log.Say("%s: goes: %s", l.Node.Name, l.What())
	}
	if err := keepArchive(r.Archive, r.ws().VM(), r.conn.Disks(), going, r.log.Say); err != nil {
		return err
	}
	if len(staying) == 0 {
		staying = append(staying, silentHosts(r)) // which may have nodes of the cluster that nobody knows of here
	}
	if err := errors.Join(append(removeAll(ctx, r, going), staying...)...); err != nil {
		return err // what nodes that are left need stays with them
	}
	cleared, kept, err := clearAll(r, prefix)
	switch {
	case err != nil:
		return err
	case len(going)+cleared > 0:
		r.log.Say("down: vm/ cleared")
	case !kept:
		r.log.Say("down: there is nothing")
	}
	return nil
}

// clearAll removes the files of the cluster as a whole, or with an empty prefix of all, and counts them. If there is a domain or a
// folder of a cluster yet, its files stay.
func clearAll(r *Run, prefix string) (cleared int, kept bool, err error) {
	domains, err := r.domains()
	if err != nil {
		return 0, false, err
	}
	all, clusters := r.ws().Prefixes(r.Prefix, domains), []string{prefix}
	if prefix == "" {
		clusters = slices.Concat(all, []string{""}) // at last what they share
	}
	for _, cluster := range clusters {
		if remains := r.at().Remains(domains, cluster, all); cluster != "" && len(remains) > 0 {
			r.log.Say("%s: there is %s yet: the cluster's keys and files in vm/ stay", cluster, strings.Join(remains, " and "))
			kept = true
		} else if cluster != "" || !kept {
			n, err := r.ws().Clear(cluster)
			if cleared += n; err != nil {
				return cleared, kept, err
			}
		}
	}
	return cleared, kept, nil
}

// removeAll removes the nodes, several at once, and gives the errors in their order.
func removeAll(ctx context.Context, r *Run, nodes []facts.Leaving) []error {
	return wait.On(engine.HostCount(r.conn), len(nodes), func(i int) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := removeLeaving(r.conn, r.ws(), nodes[i], r.log.Say); err != nil {
			return fmt.Errorf("%s: %w", nodes[i].Node.Name, err)
		}
		return nil
	})
}

// removeLeaving removes a node of the workspace: its domain, if it has one, then its folder.
func removeLeaving(on engine.Engine, w workspace.Workspace, l facts.Leaving, say func(string, ...any)) error {
	if l.Domain.Name != "" {
		if err := l.Node.MarkLeaving(); err != nil {
			return err
		}
		if err := on.Remove(l.Domain.UUID, w.Owners(l.Domain.Metadata)...); err != nil {
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

// leftAlone says, a line a domain, which are not the workspace's though they have a name of the run's cluster, or a mark of the
// cluster prefix, or if that is empty of any.
func leftAlone(r *Run, prefix string, domains map[string]engine.Domain) []string {
	w, own := r.ws(), workspace.Names(r.members())
	lines := w.Strangers(domains, prefix)
	for _, name := range slices.Sorted(maps.Keys(domains)) {
		d := domains[name]
		if (workspace.NumberOf(r.Prefix, name) > 0 || slices.Contains(own, name)) && w.Whose(d) == workspace.Nobodys {
			lines = append(lines, name+": the domain of this name is not this workspace's; it is left alone")
		}
	}
	return lines
}
