package host

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Uplink is what a link carries: the host's global addresses on it, and the gateways of the default routes over
// it, of either family, if there are any.
type Uplink struct {
	Link      string
	Addresses []netip.Addr
	Gateways  []netip.Addr
}

// DefaultLink is the link of the default route with the lowest metric, by IPv4 if there is one, or empty.
func (r Root) DefaultLink() string {
	link, best := "", -1
	for _, routes := range [][]route{routes(r), routes6(r)} {
		for _, route := range routes {
			if route.everywhere && (best < 0 || route.metric < best) {
				link, best = route.link, route.metric
			}
		}
		if link != "" {
			break
		}
	}
	return link
}

// Uplink looks at what the link carries now.
func (r Root) Uplink(link string) Uplink {
	u := Uplink{Link: link, Addresses: globals(link)}
	for _, route := range append(routes(r), routes6(r)...) {
		if route.everywhere && route.link == link {
			u.Gateways = append(u.Gateways, route.gateway)
		}
	}
	return u
}

// Carries makes sure that link carries what u did: each IPv4 address, by which the host is known, an IPv6 address
// if there was one (those change), and for each family that had it the default route, with answers from its gateway.
func (r Root) Carries(link string, u Uplink) error {
	now := r.Uplink(link)
	for _, address := range u.Addresses {
		switch {
		case address.Is4() && !slices.Contains(now.Addresses, address):
			return fmt.Errorf("%s has not the address %s; it has %s", link, address, cmp.Or(listed(now.Addresses), "none"))
		case address.Is6() && !slices.ContainsFunc(now.Addresses, netip.Addr.Is6):
			return fmt.Errorf("%s has no IPv6 address", link)
		}
	}
	for _, gateway := range u.Gateways {
		if !slices.ContainsFunc(now.Gateways, func(g netip.Addr) bool { return g.Is4() == gateway.Is4() }) {
			return fmt.Errorf("there is no default route over %s, as there was by %s", link, gateway)
		}
		if !gateway.IsUnspecified() && !r.answers(link, gateway) {
			return fmt.Errorf("the gateway %s does not answer on %s", gateway, link)
		}
	}
	return nil
}

// listed are addresses, as people read them.
func listed(addresses []netip.Addr) string {
	all := make([]string, len(addresses))
	for i, address := range addresses {
		all[i] = address.String()
	}
	return strings.Join(all, ", ")
}

// answers reports whether the kernel has the neighbour's hardware address, and makes it ask where not.
func (r Root) answers(link string, neighbour netip.Addr) bool {
	if neighbour.Is6() {
		neighbour = neighbour.WithZone(link)
	}
	if r.known(link, neighbour) {
		return true
	}
	if conn, err := net.Dial("udp", netip.AddrPortFrom(neighbour, discard).String()); err == nil {
		_, _ = conn.Write([]byte{0})
		_ = conn.Close()
	}
	return false
}

// globals are the link's addresses that others know, and not of the link alone.
func globals(link string) []netip.Addr {
	card, err := net.InterfaceByName(link)
	if err != nil {
		return nil
	}
	all := []netip.Addr{}
	addresses, _ := card.Addrs()
	for _, a := range addresses {
		if network, err := netip.ParsePrefix(a.String()); err == nil && network.Addr().IsGlobalUnicast() {
			all = append(all, network.Addr())
		}
	}
	return all
}

func hasIPv4(link string) bool { return slices.ContainsFunc(globals(link), netip.Addr.Is4) }

// route is a line of the kernel's routes.
type route struct {
	link       string
	gateway    netip.Addr // unspecified where there is none, as over a tunnel
	everywhere bool
	metric     int
}

// routes are those of /proc/net/route: link, destination, gateway, flags, …, metric, mask, numbers in hex and
// in the byte order of the machine (proc(5)).
func routes(r Root) []route {
	all := []route{}
	for _, c := range table(r, "proc/net/route", 8) {
		gateway, errGateway := parseHex(c[2])
		metric, errMetric := strconv.Atoi(c[6])
		if errors.Join(errGateway, errMetric) == nil {
			all = append(all, route{c[0], gateway, c[1] == "00000000" && c[7] == "00000000", metric})
		}
	}
	return all
}

// routes6 are those of /proc/net/ipv6_route: destination, its length, source, its length, gateway, metric, …, flags,
// link, numbers in hex (net/ipv6/route.c).
func routes6(r Root) []route {
	const reject = 0x200 // RTF_REJECT, of routes that lead nowhere
	all := []route{}
	for _, c := range table(r, "proc/net/ipv6_route", 10) {
		gateway, errGateway := parseHex(c[4])
		metric, errMetric := strconv.ParseUint(c[5], 16, 32)
		flags, errFlags := strconv.ParseUint(c[8], 16, 32)
		if errors.Join(errGateway, errMetric, errFlags) == nil && flags&reject == 0 {
			all = append(all, route{c[9], gateway, c[1] == "00" && c[3] == "00" && c[9] != "lo", int(metric)})
		}
	}
	return all
}

// table is the lines of one of the kernel's files that have at least so many columns.
func table(r Root, path string, columns int) [][]string {
	file, err := os.Open(r.Path(path))
	if err != nil {
		return nil
	}
	defer func() { _ = file.Close() }()
	all := [][]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if c := strings.Fields(lines.Text()); len(c) >= columns {
			all = append(all, c)
		}
	}
	return all
}
