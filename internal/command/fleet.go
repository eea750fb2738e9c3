package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"coreos-libvirt/internal/cluster/facts"
	"coreos-libvirt/internal/cluster/placement"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/cluster/reach"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/fleet"
	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/host/check"
	"coreos-libvirt/internal/settings/hosts"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/wait"
)

// openFleet is libvirt on several hosts. What the nodes' folders note of where nodes are it knows already.
func openFleet(r *Run) engine.Engine {
	if r.conn != nil {
		return r.conn
	}
	specs := []fleet.Spec{}
	for _, h := range r.Hosts {
		specs = append(specs, fleet.Spec{Name: h.Name, URI: h.URI, Open: func() (fleet.On, error) { return openHost(r, h) }, IsOn: func() bool { return isOn(h) }})
	}
	assignNoted(r.openAll(specs), r.at())
	return r.conn
}

// openHost is libvirt on one of several hosts.
func openHost(r *Run, h hosts.Host) (fleet.On, error) {
	on, err := libvirt.Open(h.Quiet(), adviceFor(h.URI))
	if err != nil {
		return nil, err
	}
	on.KeepFiles(volumesOf(r, h))
	return on, nil
}

// isOn reports whether ssh gets through to the host.
func isOn(h hosts.Host) bool {
	machine, err := reachedBySSH(h)
	return err == nil && strings.Contains(h.URI, "+ssh:") && machine.Answers(context.Background())
}

// adviceFor is what to do if there is no libvirt at the URI, of what libvirt says then.
func adviceFor(uri string) func(cause error) string {
	return func(cause error) string {
		there, name := engine.Where{URI: uri}, ""
		if host, remote := there.Host(); remote {
			name = cmp.Or(host, uri)
		}
		if machine, err := reachedBySSH(hosts.Host{Name: name, URI: uri}); err == nil && strings.Contains(uri, "+ssh:") {
			if advice, unknown := machine.KeyAdvice(cause.Error()); unknown {
				return advice
			}
		}
		return check.Advice(uri, name, there.IsSession())
	}
}

// assignNoted has the engine know where nodes were made.
func assignNoted(on engine.Hosts, at facts.Place) {
	for node, host := range notedHosts(at) {
		on.Assign(node, host)
	}
}

// notedHosts are the hosts that nodes' folders name, by the nodes' names.
func notedHosts(p facts.Place) map[string]string {
	noted := map[string]string{}
	entries, _ := os.ReadDir(p.VM())
	for _, entry := range entries {
		m := p.Made(workspace.Node{Name: entry.Name(), Dir: p.VM(entry.Name())})
		if m == nil {
			continue
		}
		if host, has := p.Has(m.Libvirt); has {
			noted[entry.Name()] = host
		}
	}
	return noted
}

// unknownNodes are those of which it is not known what there is, by name: no host that answers has them, and there are hosts that do not.
func unknownNodes(r *Run, nodes []workspace.Node, domains map[string]engine.Domain) map[string]plan.Obstacle {
	unknown := map[string]plan.Obstacle{}
	several := engine.HostsOf(r.conn)
	if several == nil || len(several.Silent()) == 0 {
		return unknown
	}
	at := r.at()
	for _, node := range nodes {
		if _, there := domains[node.Name]; there {
			continue
		}
		if err := unknownNode(r, at, node.Name); err != nil {
			unknown[node.Name] = plan.Obstacle{Unknown: true, What: hint.FirstLine(err), Way: hint.Of(err, "")}
		}
	}
	return unknown
}

// unknownNode is why a node that no host has which answers may be there all the same; nil if it cannot be.
func unknownNode(r *Run, at facts.Place, node string) error {
	several := engine.HostsOf(r.conn)
	if several == nil || len(several.Silent()) == 0 {
		return nil
	}
	silent := several.Silent()
	if m := at.Made(workspace.Node{Name: node, Dir: at.VM(node)}); m != nil {
		if host, has := at.Has(m.Libvirt); has && silent[host] != nil {
			return hint.Errorf(hostsAdvice(r, map[string]error{host: silent[host]}), "it is not known how it is: %s", hint.FirstLine(silent[host]))
		}
	}
	return hint.Errorf(hostsAdvice(r, silent), "it may be on a host that does not answer: %s", causes(silent))
}

// hostsAdvice is what to do about hosts that do not answer: what helps against their causes, if that is known, and then another look.
func hostsAdvice(r *Run, silent map[string]error) string {
	advice := []string{}
	for _, name := range slices.Sorted(maps.Keys(silent)) {
		if helps := hint.Of(silent[name], ""); helps != "" && !slices.Contains(advice, helps) {
			advice = append(advice, helps)
		}
	}
	return strings.Join(append(advice, "`"+asCalled(r.Settings, "hosts")+"` looks at the hosts again"), "; ")
}

// causes are those of hosts that do not answer, in one line.
func causes(silent map[string]error) string {
	lines := []string{}
	for _, name := range slices.Sorted(maps.Keys(silent)) {
		lines = append(lines, hint.FirstLine(silent[name]))
	}
	return strings.Join(lines, "; ")
}

// silentHosts is an error that names the hosts that do not answer, each with its cause; nil if all do.
func silentHosts(r *Run) error {
	several := engine.HostsOf(r.conn)
	if several == nil {
		return nil
	}
	silent := several.Silent()
	errs := []error{}
	for _, name := range slices.Sorted(maps.Keys(silent)) {
		errs = append(errs, silent[name])
	}
	return hint.Add(errors.Join(errs...), hostsAdvice(r, silent))
}

// placed is where the nodes of the run's cluster are, or are to be.
type placed struct {
	hosts map[string]string // by the node's name; nil if there is one host
	notes []string          // what the user should know of it
}

// placeNodes chooses the hosts of new nodes, and has the engine make them there. moves are nodes that are made again on another host.
func placeNodes(ctx context.Context, r *Run, m made, domains map[string]engine.Domain, unknown map[string]plan.Obstacle) (p placed, err error) {
	several := engine.HostsOf(r.conn)
	if several == nil {
		return p, nil
	}
	nodes, err := toPlace(r, m, domains, unknown)
	if err != nil {
		return p, err
	}
	room, err := roomOf(several, nodes, domains)
	if err != nil {
		return p, err
	}
	choice, err := placement.Choose(nodes, room)
	if err != nil {
		return p, err
	}
	for node, host := range choice.Hosts {
		several.Assign(node, host)
		if r.pass.moves[node] != nil {
			several.Move(node, host)
		}
	}
	notes := slices.Concat(choice.Notes, misplaced(r, choice.Hosts), roomNotes(ctx, r, nodes, choice.Hosts, domains))
	return placed{choice.Hosts, notes}, nil
}

// toPlace are the nodes of the run's cluster, as what decides where they are made.
func toPlace(r *Run, m made, domains map[string]engine.Domain, unknown map[string]plan.Obstacle) (nodes []placement.Node, err error) {
	members, err := m.source.Using(discovery.Words...)
	if err != nil {
		return nil, err
	}
	several, noted := engine.HostsOf(r.conn), notedHosts(r.at())
	for _, p := range partsOf(r) {
		for _, node := range p.nodes {
			if _, is := unknown[node.Name]; is {
				continue
			}
			n := placement.Node{Name: node.Name, MiB: p.RAM, Member: slices.Contains(members, node), At: noted[node.Name]}
			if domain, there := domains[node.Name]; there {
				n.At, n.Runs, n.MiB = several.HostOf(node.Name), true, cmp.Or(domain.Machine.Memory, p.RAM)
			}
			if p.Host != "" {
				n.Pins, _ = hosts.Named(r.Hosts, p.Host) // they were checked with the settings
			}
			if to := r.pass.moves[node.Name]; to != nil {
				n.At, n.Runs, n.MiB, n.Pins = "", false, p.RAM, to
			}
			nodes = append(nodes, n)
		}
	}
	return nodes, nil
}

// roomOf are the hosts, with the memory that is left on each. Only if a node is new are they asked for it. What domains that do not run
// need is not left.
func roomOf(several engine.Hosts, nodes []placement.Node, domains map[string]engine.Domain) (room []placement.Host, err error) {
	has := map[string]engine.Capacity{}
	if slices.ContainsFunc(nodes, func(n placement.Node) bool { return n.At == "" }) {
		if has, err = several.PerHost(); err != nil {
			return nil, err
		}
	}
	silent := several.Silent()
	for _, name := range several.HostNames() {
		h := placement.Host{Name: name, Free: -1, Silent: silent[name] != nil}
		if c, known := has[name]; known && c.Free >= 0 {
			h.Free = max(0, c.Free-waiting(several, name, domains))
		}
		room = append(room, h)
	}
	return room, nil
}

// waiting is the memory in MiB of the domains on the host that this project made, and that do not run.
func waiting(several engine.Hosts, host string, domains map[string]engine.Domain) (mib int) {
	for name, d := range domains {
		if d.Metadata != nil && !d.InUse() && several.HostOf(name) == host {
			mib += d.Machine.Memory
		}
	}
	return mib
}

// sayMoves says of the nodes that are made again elsewhere where from and to that is.
func sayMoves(r *Run, steps []plan.Step, to map[string]string) {
	for i, step := range steps {
		if r.pass.moves[step.Node.Name] != nil {
			steps[i].Why = fmt.Sprintf("moved from the host %s to %s", engine.HostNamed(r.conn, step.Node.Name), to[step.Node.Name])
		}
	}
}

// misplaced tells of nodes that are on another host than the cluster file says, with the command that moves them.
func misplaced(r *Run, at map[string]string) (notes []string) {
	for _, p := range partsOf(r) {
		wanted, err := hosts.Named(r.Hosts, p.Host)
		if p.Host == "" || err != nil {
			continue
		}
		for _, node := range p.nodes {
			if is := at[node.Name]; is != "" && !slices.Contains(wanted, is) {
				notes = append(notes, fmt.Sprintf("%s: it is on the host %s, and `host: %s` wants it on %s: `%s` moves it",
					node.Name, is, p.Host, strings.Join(wanted, " or "), asCalled(r.Settings, "move", "node="+node.Name, "host="+wanted[0])))
			}
		}
	}
	return notes
}

// bridgeOf is the bridge that nodes on the host are plugged into, if the host has one of its own.
func bridgeOf(r *Run, host string) string {
	i := slices.IndexFunc(r.Hosts, func(h hosts.Host) bool { return h.Name == host })
	if i < 0 || r.Said("bridge") {
		return ""
	}
	return r.Hosts[i].Bridge
}

// checkLinks looks on each host that answers for what nodes are plugged into there.
func checkLinks(r *Run) error {
	several := engine.HostsOf(r.conn)
	if several == nil {
		return checkLink(r.Settings, r.reach())
	}
	return errors.Join(wait.AtOnce(len(r.Hosts), func(i int) error {
		on, err := several.OnHost(r.Hosts[i].Name)
		if err != nil {
			return nil // its nodes are unknown, which is said
		}
		own := *r.Settings
		own.Hosts, own.URI, own.Bridge = nil, r.Hosts[i].URI, cmp.Or(bridgeOf(r, r.Hosts[i].Name), r.Bridge)
		there := reach.Nodes{Workspace: r.ws(), Where: where(&own), Link: link(&own), Engine: func() (engine.Engine, error) { return on, nil }}
		if err := checkLink(&own, there); err != nil {
			return fmt.Errorf("the host %s: %w", r.Hosts[i].Name, err)
		}
		return nil
	})...)
}
