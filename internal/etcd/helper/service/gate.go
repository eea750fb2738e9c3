package service

import (
	"net"
	"net/netip"
	"slices"
	"sync"

	"github.com/vishvananda/netlink"

	"coreos-libvirt/internal/etcd/wire"
)

const (
	// eachConnections and allConnections are how many one caller, and all together, may hold open: a member has three at most.
	eachConnections = 16
	allConnections  = 512
	// mostRefused is how many refused callers are named.
	mostRefused = 16
)

// gate decides who on the network is served: where the nodes' link is known, nobody but them.
type gate struct {
	link string
	macs []string
	tell func(any) error

	mu      sync.Mutex
	open    map[netip.Addr]int // connections, by caller
	all     int                // of them
	refused []netip.Addr
}

func newGate(service wire.Service, tell func(any) error) *gate {
	return &gate{link: service.Link, macs: service.MACs, tell: tell, open: map[netip.Addr]int{}}
}

// guarded are the connections that the gate lets in. The others are closed before a byte of them is read.
type guarded struct {
	net.Listener
	*gate
}

func (g guarded) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		caller := addressOf(conn.RemoteAddr().String())
		if g.isNode(caller) && g.enter(caller) {
			return &entered{Conn: conn, leave: sync.OnceFunc(func() { g.leave(caller) })}, nil
		}
		_ = conn.Close()
	}
}

// entered is a connection that was let in.
type entered struct {
	net.Conn
	leave func()
}

func (e *entered) Close() error {
	e.leave()
	return e.Conn.Close()
}

func (g *gate) enter(caller netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all >= allConnections || g.open[caller] >= eachConnections {
		return false
	}
	g.all++
	g.open[caller]++
	return true
}

func (g *gate) leave(caller netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all--
	if g.open[caller]--; g.open[caller] == 0 {
		delete(g.open, caller)
	}
}

// isNode reports whether the caller has the hardware address of a node. Without a link that cannot be told.
func (g *gate) isNode(caller netip.Addr) bool {
	if g.link == "" {
		return true
	}
	mac := neighbour(g.link, caller)
	if slices.Contains(g.macs, mac) {
		return true
	}
	g.sayRefused(caller, mac)
	return false
}

// sayRefused says once of each caller that it was refused.
func (g *gate) sayRefused(caller netip.Addr, mac string) {
	g.mu.Lock()
	known := len(g.refused) >= mostRefused || slices.Contains(g.refused, caller)
	if !known {
		g.refused = append(g.refused, caller)
	}
	g.mu.Unlock()
	if !known {
		_ = g.tell(wire.Refused{Address: caller.String(), MAC: mac}) // who asked is gone if that fails
	}
}

// neighbour is the hardware address that the kernel has of a caller on the link: it had to ask for it to answer the caller.
func neighbour(link string, caller netip.Addr) string {
	card, err := net.InterfaceByName(link)
	if err != nil {
		return ""
	}
	known, err := netlink.NeighList(card.Index, netlink.FAMILY_ALL)
	if err != nil {
		return ""
	}
	for _, n := range known {
		if address, ok := netip.AddrFromSlice(n.IP); ok && address.Unmap() == caller && len(n.HardwareAddr) > 0 && n.State&(netlink.NUD_FAILED|netlink.NUD_INCOMPLETE) == 0 {
			return n.HardwareAddr.String()
		}
	}
	return ""
}

// addressOf is the address of a caller, from its host and port.
func addressOf(caller string) netip.Addr {
	at, _ := netip.ParseAddrPort(caller)
	return at.Addr().Unmap().WithZone("")
}
