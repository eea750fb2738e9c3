package host

import (
	"bufio"
	"net"
	"net/netip"
	"os"
	"strings"
)

const (
	// arpTable is the kernel's, of IPv4 neighbours (proc(5)).
	arpTable = "/proc/net/arp"
	// complete is the flag ATF_COM of an entry that was answered (linux/if_arp.h).
	complete = "0x2"
	// most is how many addresses of one network are asked: those of a /22.
	most = 1 << 10
	// discard is the port of RFC 863; whatever is sent there, the kernel asks who has the address first.
	discard = 9
)

// Neighbours are the IPv4 addresses that the kernel knows, by hardware address.
func Neighbours() map[string]netip.Addr {
	known := map[string]netip.Addr{}
	table, err := os.Open(arpTable)
	if err != nil {
		return known
	}
	defer func() { _ = table.Close() }()
	for lines := bufio.NewScanner(table); lines.Scan(); {
		columns := strings.Fields(lines.Text()) // address, type, flags, hardware address, mask, device
		if len(columns) < 6 || columns[2] != complete {
			continue
		}
		if address, err := netip.ParseAddr(columns[0]); err == nil {
			known[strings.ToLower(columns[3])] = address
		}
	}
	return known
}

// AskNeighbours makes the kernel ask for everybody on the networks of an interface, without waiting for answers.
func AskNeighbours(link string) {
	card, err := net.InterfaceByName(link)
	if err != nil {
		return
	}
	own, _ := card.Addrs()
	for _, a := range own {
		if network, err := netip.ParsePrefix(a.String()); err == nil && network.Addr().Is4() {
			askAll(network)
		}
	}
}

func askAll(network netip.Prefix) {
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: network.Addr().AsSlice()})
	if err != nil {
		return
	}
	defer func() { _ = socket.Close() }()
	at := network.Masked().Addr().Next()
	for range most {
		if !network.Contains(at.Next()) { // the last is the broadcast address
			return
		}
		_, _ = socket.WriteToUDPAddrPort([]byte{0}, netip.AddrPortFrom(at, discard))
		at = at.Next()
	}
}
