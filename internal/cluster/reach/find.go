package reach

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/wait"
)

// neighbourPoll is how often the kernel's table is looked at for an answer.
const neighbourPoll = 100 * time.Millisecond

// lateSearch is how long a node that has not reported in time is looked for in other ways.
const lateSearch = 15 * time.Second

// Find is where a node is that cannot say so itself, and how that is known: from libvirt's leases, the guest's agent, the
// banner on its console, or the neighbours of the host's bridge, who are asked until ctx ends. The first of these that knows
// counts.
func (n Nodes) Find(ctx context.Context, node workspace.Node) (address netip.Addr, from string) {
	sources := []struct {
		name string
		look func() netip.Addr
	}{
		{"libvirt's lease", func() netip.Addr { return n.lease(node) }},
		{"guest agent", func() netip.Addr { return n.agent(node) }},
		{"login banner", func() netip.Addr { return n.banner(node) }},
		{"neighbour", func() netip.Addr { return n.neighbour(ctx, node.MAC) }},
	}
	looked := make([]chan netip.Addr, len(sources)) // all at once: an agent that hangs keeps nobody
	for i, source := range sources {
		looked[i] = make(chan netip.Addr, 1)
		go func() { looked[i] <- source.look() }()
	}
	for i, source := range sources {
		select {
		case address = <-looked[i]:
		case <-ctx.Done():
			address = known(looked[i])
		}
		if address.IsValid() {
			return address, source.name
		}
	}
	return address, ""
}

// known is what was found by now.
func known(looked <-chan netip.Addr) (found netip.Addr) {
	select {
	case found = <-looked:
	default:
	}
	return found
}

// neighbour is the address of a hardware address on the bridge.
func (n Nodes) neighbour(ctx context.Context, mac string) (found netip.Addr) {
	bridge, err := n.HostLink()
	if err != nil {
		return found
	}
	if found = host.Neighbours()[mac]; found.IsValid() {
		return found
	}
	host.AskNeighbours(bridge)
	for wait.Sleep(ctx, neighbourPoll) {
		if found = host.Neighbours()[mac]; found.IsValid() {
			break
		}
	}
	return found
}

// Found is the report of a node that cannot make one itself, and how its address is known.
func (n Nodes) Found(ctx context.Context, node workspace.Node) (report guest.Report, from string, err error) {
	address, from := n.Find(ctx, node)
	if !address.IsValid() {
		return report, "", hint.Errorf("`mage logs` shows how far it got", "%s: no address: libvirt's leases, a guest agent, its console and its neighbours know none", node.Name)
	}
	family := "inet6"
	if address.Is4() {
		family = "inet"
	}
	report, err = n.possible(node.Name, guest.Report{HostName: node.Name, Interfaces: []guest.Interface{
		{MAC: node.MAC, Addresses: []guest.Address{{Family: family, Local: address.String(), Scope: "global"}}},
	}}) // the agent and the console are the guest's, too
	if err != nil {
		err = fmt.Errorf("%s (%s): %w", node.Name, from, err)
	}
	return report, from, err
}

// Searched is the report of a node that makes none, once an SSH server answers at an address where it was found. Its own
// is preferred, if it comes meanwhile.
func (n Nodes) Searched(ctx context.Context, node workspace.Node) (guest.Report, string, error) {
	ctx, cancel := context.WithTimeout(ctx, lateSearch)
	defer cancel()
	own := make(chan guest.Report, 1)
	go func() {
		if report, err := n.Report(ctx, node.Name, func(string) {}); err == nil {
			own <- report
		}
	}()
	report, from, err := n.Found(ctx, node)
	if err == nil {
		var address netip.Addr
		if address, err = netip.ParseAddr(report.Address(node.MAC)); err == nil {
			err = guest.SSHAnswers(ctx, netip.AddrPortFrom(address, sshPort))
		}
	}
	select {
	case itself := <-own:
		return itself, "node", nil
	case <-ctx.Done():
	}
	return report, from, err
}

// lease is the address that a network of libvirt's gave the node.
func (n Nodes) lease(node workspace.Node) (none netip.Addr) {
	if known, ok := n.addresses(); ok {
		return known.Lease(node.Name, node.MAC)
	}
	return none
}

// agent is the address that a guest agent on the node says.
func (n Nodes) agent(node workspace.Node) (none netip.Addr) {
	if known, ok := n.addresses(); ok {
		return known.AgentAddress(node.Name, node.MAC)
	}
	return none
}

// banner is the address that the node's console shows above its login prompt.
func (n Nodes) banner(node workspace.Node) (none netip.Addr) {
	if log, err := n.Log(node); err == nil {
		return guest.BannerAddress(log)
	}
	return none
}

// Log is what the node writes on its console.
func (n Nodes) Log(node workspace.Node) (engine.Log, error) {
	opened, err := n.Engine()
	if err != nil {
		return nil, err
	}
	return opened.Disks().Log(node.Files()), nil
}

// addresses are those that the engine knows of by itself, if it is one that knows any.
func (n Nodes) addresses() (engine.Addresses, bool) {
	opened, err := n.Engine()
	if err != nil {
		return nil, false
	}
	return engine.As[engine.Addresses](opened)
}
