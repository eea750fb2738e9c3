package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/settings/hosts"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/terminal/table"
	"coreos-libvirt/internal/workspace"
)

// hostStatus is a host as `mage hosts format=json` prints it.
type hostStatus struct {
	Host    string   `json:"host"`
	URI     string   `json:"uri"`
	Answers bool     `json:"answers"`
	Cause   string   `json:"cause,omitempty"` // why it does not
	Advice  string   `json:"hint,omitempty"`  // what helps against that, if it is known
	CPUs    int      `json:"cpus,omitempty"`
	Memory  int      `json:"memory_mib,omitempty"`
	Free    *int     `json:"free_mib,omitempty"` // absent if it is not known
	Labels  []string `json:"labels,omitempty"`
	Bridge  string   `json:"bridge,omitempty"`    // of its own
	Pool    string   `json:"pool,omitempty"`      // with nodes' files, if they are in one
	Space   *int64   `json:"pool_free,omitempty"` // bytes that are free in it; absent if that is not known
	Nodes   []string `json:"nodes"`               // of this workspace, of all its clusters
	Unknown []string `json:"unknown,omitempty"`   // nodes that were made there, and are not known
	Images  []string `json:"images"`              // that nodes of this project are on
}

// Hosts prints each host that nodes are spread over: whether it answers, what it has, and which nodes are on it. It changes nothing.
func Hosts(_ context.Context, r *Run) error {
	r.onlyLook()
	all, err := hostsNow(r)
	if err != nil {
		return err
	}
	if r.Format == "json" {
		return table.JSON(r.out, all)
	}
	rows := table.New("HOST", "STATE", "CPUS", "MEMORY", "FREE", "POOL", "NODES", "IMAGES", "URI")
	for _, h := range all {
		rows.Row(h.cells()...)
	}
	if err := rows.Print(r.log.Writer()); err != nil {
		return err
	}
	for _, h := range all {
		if h.Advice != "" {
			r.log.Say("%s: hint: %s", h.Host, h.Advice)
		}
	}
	return nil
}

// cells are those of the host's line.
func (h hostStatus) cells() []string {
	state, cpus, memory, free := "answers", "-", "-", "-"
	if h.CPUs > 0 {
		cpus, memory = fmt.Sprint(h.CPUs), progress.Bytes(int64(h.Memory)<<20)
	}
	if h.Free != nil {
		free = progress.Bytes(int64(*h.Free) << 20)
	}
	pool := h.Pool
	if h.Space != nil {
		pool += ", " + progress.Bytes(*h.Space) + " free"
	}
	nodes := slices.Clone(h.Nodes)
	if !h.Answers {
		state = "does not answer: " + h.Cause
	}
	for _, node := range h.Unknown {
		nodes = append(nodes, node+" (not known)")
	}
	return []string{h.Host, state, cpus, memory, free, table.Dash(pool), table.Dash(strings.Join(nodes, " ")), table.Dash(strings.Join(h.Images, " ")), h.URI}
}

// hostsNow are the hosts of the run, in the user's order, as they are now.
func hostsNow(r *Run) ([]hostStatus, error) {
	named := r.Hosts
	if len(named) == 0 {
		one, err := hosts.Parse(r.URI)
		if err != nil {
			return nil, err
		}
		named = one
	}
	domains, failed := r.domains()
	silent, has := whatHosts(r, named, failed)
	noted, all := notedHosts(r.at()), []hostStatus{}
	for _, h := range named {
		s := hostStatus{Host: h.Name, URI: h.URI, Answers: silent[h.Name] == nil, Labels: h.Labels, Bridge: h.Bridge, Nodes: []string{}, Images: []string{}}
		if cause := silent[h.Name]; cause != nil {
			s.Cause, s.Advice = causeOf(cause), hint.Of(cause, "")
			s.Unknown = notedOn(noted, h.Name, domains)
		}
		if c, known := has[h.Name]; known {
			if s.CPUs, s.Memory = c.CPUs, c.Memory; c.Free >= 0 {
				s.Free = &c.Free
			}
		}
		s.addPool(r)
		s.addDomains(r, domains)
		all = append(all, s)
	}
	return all, nil
}

// whatHosts are the causes of the hosts that do not answer, and what the others have, by the hosts' names.
func whatHosts(r *Run, named []hosts.Host, failed error) (silent map[string]error, has map[string]engine.Capacity) {
	if several := engine.HostsOf(r.conn); several != nil {
		has, _ = several.PerHost()
		return several.Silent(), has
	}
	one := named[0].Name
	if failed != nil {
		return map[string]error{one: failed}, nil
	}
	if known, can := engine.As[engine.Capacities](r.conn); can {
		if c, err := known.Capacity(); err == nil {
			return nil, map[string]engine.Capacity{one: c}
		}
	}
	return nil, nil
}

// causeOf is why a host does not answer, without its name.
func causeOf(err error) string {
	if inner := errors.Unwrap(err); inner != nil && strings.HasPrefix(err.Error(), "the host ") {
		return hint.FirstLine(inner)
	}
	return hint.FirstLine(err)
}

// notedOn are the nodes that were made on the host, as their folders say, and that no host has which answers.
func notedOn(noted map[string]string, host string, domains map[string]engine.Domain) (names []string) {
	for node, on := range noted {
		if _, there := domains[node]; on == host && !there {
			names = append(names, node)
		}
	}
	slices.Sort(names)
	return names
}

// pooled is an engine that may have nodes' files in a storage pool.
type pooled interface {
	FreeSpace() (bytes int64, pool string, err error)
}

// addPool adds the storage pool, and what is free in it. One that is still to be made has no space.
func (h *hostStatus) addPool(r *Run) {
	var on pooled
	switch several := engine.HostsOf(r.conn); {
	case !h.Answers:
		return
	case several != nil:
		if one, err := several.OnHost(h.Host); err == nil {
			on, _ = engine.As[pooled](one)
		}
	case r.daemon != nil:
		on = r.daemon
	}
	if on == nil {
		return
	}
	bytes, pool, err := on.FreeSpace()
	if h.Pool = pool; err == nil {
		h.Space = &bytes
	}
}

// addDomains adds what is on the host.
func (h *hostStatus) addDomains(r *Run, domains map[string]engine.Domain) {
	for _, d := range domains {
		if d.Metadata == nil || len(r.Hosts) > 0 && hostOf(r, d.Name, nil) != h.Host {
			continue
		}
		if r.ws().Whose(d) == workspace.Ours {
			h.Nodes = append(h.Nodes, d.Name)
		}
		h.Images = append(h.Images, strings.TrimSuffix(filepath.Base(d.Metadata.Base), ".qcow2"))
	}
	slices.Sort(h.Nodes)
	slices.Sort(h.Images)
	h.Images = slices.Compact(h.Images)
}

// Move recreates node= on host=: a member of etcd is replaced, and no data of the cluster's are lost.
func Move(ctx context.Context, r *Run) error {
	if r.Host == "" || r.Node == "" {
		return hint.Errorf("`"+asCalled(r.Settings, "move", "node="+cmp.Or(r.Node, "core01"), "host="+cmp.Or(r.Host, "hv2"))+"`", "node= says what is moved, and host= where to")
	}
	if err := hosts.CheckPin(r.Hosts, r.Host); err != nil {
		return err
	}
	d, err := chosenNode(r, "move")
	if err != nil {
		return cmp.Or(unknownNode(r, r.at(), r.Node), err)
	}
	to, _ := hosts.Named(r.Hosts, r.Host) // it was checked
	if is := hostOf(r, d.Name, nil); slices.Contains(to, is) {
		r.log.Say("%s: it is on the host %s already", d.Name, is)
		return nil
	}
	return moveNode(ctx, r, d, to)
}

// Evacuate moves all nodes of the cluster that are on host= to other hosts, one after the other.
func Evacuate(ctx context.Context, r *Run) error {
	if r.Host == "" {
		return hint.Errorf("`"+asCalled(r.Settings, "evacuate", "host=hv1")+"`; hosts are "+strings.Join(hosts.Names(r.Hosts), ", "), "host= says which host is left")
	}
	if err := hosts.CheckPin(r.Hosts, r.Host); err != nil {
		return err
	}
	from, _ := hosts.Named(r.Hosts, r.Host) // it was checked
	to := slices.DeleteFunc(hosts.Names(r.Hosts), func(name string) bool { return slices.Contains(from, name) })
	domains, err := r.domains()
	if err != nil {
		return err
	}
	for _, name := range from {
		if cause := engine.HostsOf(r.conn).Silent()[name]; cause != nil {
			return hint.Errorf("a host that is gone for good is left out of hosts=; docs/hosts.md says what then becomes of its nodes", "%w", cause)
		}
	}
	left := slices.DeleteFunc(r.ws().Members(domains, r.Prefix), func(d engine.Domain) bool { return !slices.Contains(from, hostOf(r, d.Name, nil)) })
	if len(left) == 0 {
		r.log.Say("the host %s has no node of the cluster %s", r.Host, r.Prefix)
	}
	for _, d := range left {
		if err := moveNode(ctx, r, d, to); err != nil {
			return err
		}
	}
	return nil
}

// moveNode recreates the node on one of the hosts, as `mage up recreate=` recreates it where it is.
func moveNode(ctx context.Context, r *Run, d engine.Domain, to []string) error {
	moving, err := beside(ctx, r, About{Cluster: true, Libvirt: true}, "prefix="+d.Metadata.Cluster, "recreate="+d.Name, "node=", "host=")
	if err != nil {
		return err
	}
	moving.pass.moves = map[string][]string{d.Name: to}
	for _, stage := range []func(context.Context) error{moving.Preflight, moving.Claim, moving.Fetch, moving.Transpile, moving.Discovery, moving.Render, moving.Define, moving.Up} {
		if err := stage(ctx); err != nil {
			return err
		}
	}
	return nil
}
