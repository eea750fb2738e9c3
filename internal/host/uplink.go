package host

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// Uplink is what a link carries: whether the host has an IPv4 address on it, and the gateway of the default
// route over it, if there is one.
type Uplink struct {
	Link    string
	IPv4    bool
	Gateway netip.Addr
}

// DefaultLink is the link of the default route with the lowest metric, or empty.
func (r Root) DefaultLink() string {
	link, best := "", -1
	for _, route := range r.routes() {
		if route.everywhere && (best < 0 || route.metric < best) {
			link, best = route.link, route.metric
		}
	}
	return link
}

// Uplink looks at what the link carries now.
func (r Root) Uplink(link string) Uplink {
	u := Uplink{Link: link, IPv4: hasIPv4(link)}
	for _, route := range r.routes() {
		if route.everywhere && route.link == link {
			u.Gateway = route.gateway
		}
	}
	return u
}

// Carries makes sure that link carries what u did: an address, the default route, and answers from its gateway.
func (r Root) Carries(link string, u Uplink) error {
	if u.IPv4 && !hasIPv4(link) {
		return fmt.Errorf("%s has no IPv4 address", link)
	}
	if !u.Gateway.IsValid() {
		return nil
	}
	if now := r.Uplink(link).Gateway; !now.IsValid() {
		return fmt.Errorf("there is no default route over %s", link)
	}
	if r.answers(link, u.Gateway) {
		return nil
	}
	return fmt.Errorf("the gateway %s does not answer on %s", u.Gateway, link)
}

// answers tells whether the kernel has the neighbour's hardware address, and makes it ask where not.
func (r Root) answers(link string, neighbour netip.Addr) bool {
	for line := range strings.Lines(r.read("proc/net/arp")) {
		columns := strings.Fields(line)
		if len(columns) > 5 && columns[0] == neighbour.String() && columns[2] == complete && columns[5] == link {
			return true
		}
	}
	if conn, err := net.Dial("udp4", netip.AddrPortFrom(neighbour, discard).String()); err == nil {
		_, _ = conn.Write([]byte{0})
		_ = conn.Close()
	}
	return false
}

func hasIPv4(link string) bool {
	card, err := net.InterfaceByName(link)
	if err != nil {
		return false
	}
	addresses, _ := card.Addrs()
	for _, a := range addresses {
		if network, err := netip.ParsePrefix(a.String()); err == nil && network.Addr().Is4() && !network.Addr().IsLinkLocalUnicast() {
			return true
		}
	}
	return false
}

// route is a line of the kernel's IPv4 routes.
type route struct {
	link       string
	gateway    netip.Addr
	everywhere bool
	metric     int
}

// routes are those of /proc/net/route: link, destination, gateway, flags, …, metric, mask, numbers in hex and
// in the byte order of the machine (proc(5)).
func (r Root) routes() []route {
	all := []route{}
	file, err := os.Open(r.path("proc/net/route"))
	if err != nil {
		return nil
	}
	defer func() { _ = file.Close() }()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		c := strings.Fields(lines.Text())
		if len(c) < 8 {
			continue
		}
		gateway, errGateway := parseHex(c[2])
		metric, errMetric := strconv.Atoi(c[6])
		if errors.Join(errGateway, errMetric) == nil {
			all = append(all, route{c[0], gateway, c[1] == "00000000" && c[7] == "00000000", metric})
		}
	}
	return all
}

func parseHex(text string) (netip.Addr, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 4 {
		return netip.Addr{}, fmt.Errorf("%s: no address", text)
	}
	var address [4]byte
	binary.NativeEndian.PutUint32(address[:], binary.BigEndian.Uint32(b))
	return netip.AddrFrom4(address), nil
}
