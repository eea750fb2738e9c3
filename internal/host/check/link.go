package check

import (
	"context"
	"fmt"
	"strings"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/host/netfilter"
	"coreos-libvirt/internal/terminal/hint"
)

// Link is what the nodes are plugged into: one of a bridge, a network of libvirt's, or a card.
type Link struct {
	Bridge, Network, Direct string

	HostLink func() (string, error) // the link by which the host reaches the nodes
	Exists   func() error           // an error if there is no such bridge, network or card, also of a further one
	Further  func() (string, error) // what further cards are plugged into, and an error if one is not there
}

// Bridged reports whether it is a bridge of the host's.
func (l Link) Bridged() bool { return l.Network == "" && l.Direct == "" }

// Look looks at what the nodes are plugged into.
func (l Link) Look() (string, error) {
	switch {
	case l.Direct != "":
		return root.Card(l.Direct)
	case l.Network == "":
		return root.Bridge(l.Bridge)
	}
	bridge, err := l.HostLink()
	if err != nil && (l.Network == "default" || strings.Contains(err.Error(), "not active")) {
		what, _, _ := strings.Cut(err.Error(), "\nhint: ")
		return "", hint.Errorf(host.Sudo("mage host:setup network="+l.Network+" apply=true"), "%s", what)
	}
	return fmt.Sprintf("network %s, on %s", l.Network, bridge), err
}

// lookAhead says what Define would, and warns of a card that keeps this host from its nodes, and of a bridge that is no
// way out.
func (l Link) lookAhead() (string, error) {
	if l.Direct != "" {
		return root.Card(l.Direct)
	}
	if err := l.Exists(); err != nil || !l.Bridged() {
		return "", err
	}
	found, err := root.Bridge(l.Bridge)
	return found, host.Warn(err)
}

// filter looks at what may drop the nodes' frames on the bridge. libvirt makes the rules of its own networks, and frames of
// a card that nodes share pass no bridge.
func (l Link) filter(ctx context.Context) (string, error) {
	if !l.Bridged() {
		return "no bridge of the host's is used", nil
	}
	return netfilter.Bridged(root, netfilter.Rules(ctx), l.Bridge)
}

// Discovery is the service by which the nodes' etcd find each other.
type Discovery struct {
	Way  string // discovery=
	Here bool   // whether this host serves it
	Port int    // at which it does; 0 if that is not known yet
}

// inbound looks whether the nodes get in to the service on this host, at its port, or at whichever it may get.
func (n Nodes) inbound(ctx context.Context) (string, error) {
	if !n.Here {
		return "not on this host: discovery=" + n.Way, nil
	}
	ports := netfilter.Ephemeral(root)
	if n.Port != 0 {
		ports.From, ports.To = n.Port, n.Port
	}
	link, err := n.HostLink()
	if err != nil {
		link = n.Bridge // another check says what is missing
	}
	return netfilter.Inbound(netfilter.Rules(ctx), link, ports)
}

// bridgeHelper is the check of QEMU's helper, by which a libvirt of the user's own reaches a bridge; none if that is not
// needed.
func (n Nodes) bridgeHelper() []host.Check {
	if !n.Session || !n.Bridged() {
		return nil
	}
	return []host.Check{{Name: "bridge helper", Run: simple(func() (string, error) { return root.BridgeHelper(n.Bridge) })}}
}

// further is the check of what further network cards are plugged into; none if there are no such cards.
func (l Link) further() []host.Check {
	if l.Further == nil {
		return nil
	}
	return []host.Check{{Name: "networks=", Run: simple(l.Further)}}
}
