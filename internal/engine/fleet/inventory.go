package fleet

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
)

// inventory looks at the domains of all hosts.
type inventory struct{ *index }

// Domains are those of all hosts that answer, by name.
func (v inventory) Domains() (map[string]engine.Domain, error) {
	return v.list(func(on On) (map[string]engine.Domain, error) { return on.Domains() })
}

// Defined are the same as their definitions say.
func (v inventory) Defined() (map[string]engine.Domain, error) {
	return v.list(func(on On) (map[string]engine.Domain, error) { return on.Defined() })
}

// list puts the domains of all hosts together. Of one name it gives the one that this project made; that two have it is an error.
func (v inventory) list(domains func(On) (map[string]engine.Domain, error)) (map[string]engine.Domain, error) {
	all, err := each(v.index, domains)
	if err != nil {
		return nil, err
	}
	together, at := map[string]engine.Domain{}, map[string]*host{}
	for _, h := range v.hosts {
		for _, name := range slices.Sorted(maps.Keys(all[h])) {
			d, other := all[h][name], together[name]
			if d.Metadata != nil && other.Metadata != nil {
				return nil, twice(name, at[name], h)
			}
			if other.Name == "" || d.Metadata != nil {
				together[name], at[name] = d, h
			}
		}
	}
	v.mu.Lock()
	v.at, v.uuids = at, map[string]place{}
	for name, d := range together {
		v.uuids[d.UUID] = place{at[name], name}
	}
	v.mu.Unlock()
	return together, nil
}

// twice is the error of a node that two hosts have.
func twice(name string, one, other *host) error {
	undefine := func(h *host) string { return "virsh -c " + h.URI + " undefine --nvram " + name }
	return hint.Errorf("see which of them is in use, end the other one and remove its definition: `"+undefine(one)+"`, or `"+undefine(other)+"`",
		"the hosts %s and %s both have a node %s, and it can be only on one of them", one.Name, other.Name, name)
}

// Running are the names of the domains that run, on any host that answers.
func (v inventory) Running() (map[string]bool, error) {
	all, err := each(v.index, func(on On) (map[string]bool, error) { return on.Running() })
	running := map[string]bool{}
	for _, names := range all {
		maps.Copy(running, names)
	}
	return running, err
}

// State is the state of the domain.
func (v inventory) State(name string) (engine.State, error) {
	on, err := v.engineOf(name)
	if err != nil {
		return engine.Other, err
	}
	return on.State(name)
}

// Reason is why the domain has its state.
func (v inventory) Reason(name string) (string, error) {
	on, err := v.engineOf(name)
	if err != nil {
		return "", err
	}
	return on.Reason(name)
}

// Until has the calls of all hosts wait no longer than ctx lives.
func (f *Fleet) Until(ctx context.Context) {
	for _, h := range f.hosts {
		go func() {
			if on, err := h.engine(); err == nil {
				on.Until(ctx)
			}
		}()
	}
}

// Close ends the connections. One that is not there yet is left to the end of the process.
func (f *Fleet) Close() {
	for _, h := range f.hosts {
		select {
		case <-h.opened:
			if h.err == nil {
				h.on.Close()
			}
		default:
		}
	}
}

// Calls is how many calls all hosts have got.
func (f *Fleet) Calls() (calls int64) {
	for _, h := range f.hosts {
		if on, err := h.engine(); err == nil {
			calls += on.Calls()
		}
	}
	return calls
}

// HostNames are the hosts' names.
func (i *index) HostNames() (names []string) {
	for _, h := range i.hosts {
		names = append(names, h.Name)
	}
	return names
}

// HostOf is the name of the host that has the domain, or that it will be made on.
func (i *index) HostOf(domain string) string {
	if h := i.of(domain); h != nil {
		return h.Name
	}
	return ""
}

// Silent are the hosts that do not answer, by name, each with its cause.
func (i *index) Silent() map[string]error {
	silent := map[string]error{}
	for _, h := range i.hosts {
		h.mu.Lock()
		if h.silent != nil {
			silent[h.Name] = h.silent
		}
		h.mu.Unlock()
	}
	return silent
}

// Assign has a node that is not there be made on the host of that name. A name that no host has changes nothing.
func (i *index) Assign(node, name string) { i.sends(i.placed, node, name) }

// Move has a node be recreated on the host of that name.
func (i *index) Move(node, name string) { i.sends(i.moving, node, name) }

func (i *index) sends(nodes map[string]*host, node, name string) {
	if h := i.named(name); h != nil {
		i.mu.Lock()
		defer i.mu.Unlock()
		nodes[node] = h
	}
}

// OnHost is the engine of the host of that name.
func (i *index) OnHost(name string) (engine.Engine, error) {
	h := i.named(name)
	if h == nil {
		return nil, fmt.Errorf("there is no host %s", name)
	}
	return h.engine()
}

// PerHost asks each host that answers for what it has; silent are the others.
func (f *Fleet) PerHost() (has map[string]engine.Capacity, err error) {
	all, err := each(f.index, func(on On) (engine.Capacity, error) {
		known, can := engine.As[engine.Capacities](on)
		if !can {
			return engine.Capacity{Free: -1}, nil
		}
		return known.Capacity()
	})
	has = map[string]engine.Capacity{}
	for h, c := range all {
		has[h.Name] = c
	}
	if err != nil {
		err = fmt.Errorf("no host says what it has: %w", err)
	}
	return has, err
}

// String names the hosts.
func (f *Fleet) String() string { return strings.Join(f.HostNames(), ", ") }
