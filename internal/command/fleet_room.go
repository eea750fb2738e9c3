package command

import (
	"context"
	"fmt"
	"strings"

	"coreos-libvirt/internal/cluster/placement"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/settings/hosts"
)

// share is what of the cluster's nodes is made, or started, on one of several hosts.
type share struct {
	nodes []placement.Node // that do not run
	fresh int              // of these, those that are made
	first bool             // whether the host has no node of this project yet, and so no base image
}

// roomNotes warn of hosts that may not have the disk space or the memory for what is made and started there, before any of it is. at are
// the hosts of the nodes.
func roomNotes(ctx context.Context, r *Run, nodes []placement.Node, at map[string]string, domains map[string]engine.Domain) (notes []string) {
	several := engine.HostsOf(r.conn)
	for _, h := range r.Hosts {
		s := shareOf(r, nodes, at, domains, h.Name)
		on, err := several.OnHost(h.Name)
		if err != nil || len(s.nodes) == 0 {
			continue // its nodes are unknown, which is said
		}
		results, _ := host.RunAll(ctx, s.checks(on, h))
		_ = failures(results, func(format string, args ...any) {
			notes = append(notes, fmt.Sprintf("%s: "+format, append([]any{h.Name}, args...)...))
		})
	}
	return notes
}

// shareOf is the share of the host of that name.
func shareOf(r *Run, nodes []placement.Node, at map[string]string, domains map[string]engine.Domain, name string) share {
	s := share{first: true}
	for _, d := range domains {
		s.first = s.first && (d.Metadata == nil || hostOf(r, d.Name, nil) != name)
	}
	for _, n := range nodes {
		d, there := domains[n.Name]
		moves := r.pass.moves[n.Name] != nil
		if at[n.Name] != name || there && d.InUse() && !moves {
			continue
		}
		if s.nodes = append(s.nodes, n); !there || moves {
			s.fresh++
		}
	}
	return s
}

// checks look whether the host has room for the share. What it does not say of itself is not looked at.
func (s share) checks(on engine.Engine, h hosts.Host) []host.Check {
	warn := func(found string, err error) (string, error) { return found, host.Warn(err) }
	return []host.Check{
		{Name: "disk space", Run: func(context.Context) (string, error) { return warn(s.space(on, h)) }},
		{Name: "memory", Run: func(context.Context) (string, error) { return warn(s.memory(on)) }},
	}
}

// space asks for what is free in the host's storage pool. One that is still to be made, and files of this host, are not looked at.
func (s share) space(on engine.Engine, h hosts.Host) (string, error) {
	pool, can := engine.As[pooled](on)
	if !can || s.fresh == 0 {
		return "", nil
	}
	free, name, err := pool.FreeSpace()
	if err != nil {
		return "", nil //nolint:nilerr // it is not known
	}
	need, what := s.fresh*host.Each, "the nodes"
	if s.first {
		need, what = need+host.Each, "the nodes and a base image"
	}
	found, err := host.Room("the storage pool "+name, int(free>>30), need, what)
	return found, elsewherePrune(err, h)
}

// elsewherePrune has the hint of a full pool be about that pool.
func elsewherePrune(err error, h hosts.Host) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s", strings.Replace(err.Error(), "\nhint: mage prune", "\nhint: mage prune uri="+h.URI, 1))
}

// memory asks for what is free of the host's memory.
func (s share) memory(on engine.Engine) (string, error) {
	known, can := engine.As[engine.Capacities](on)
	if !can {
		return "", nil
	}
	has, err := known.Capacity()
	if err != nil || has.Free < 0 {
		return "", nil //nolint:nilerr // it is not known
	}
	mib := 0
	for _, n := range s.nodes {
		mib += n.MiB
	}
	return host.Fits(has.Free, len(s.nodes), mib/len(s.nodes))
}
