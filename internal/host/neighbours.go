package host

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// arpTable is the kernel's, of IPv4 neighbours (proc(5)).
	arpTable = "proc/net/arp"
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
	for _, columns := range table("/", arpTable, 6) { // address, type, flags, hardware address, mask, device
		if address, err := netip.ParseAddr(columns[0]); err == nil && columns[2] == complete {
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

// known reports whether the kernel has the neighbour's hardware address on the link: IPv4's from its table in /proc,
// IPv6's, which has none, by netlink.
func (r Root) known(link string, neighbour netip.Addr) bool {
	if neighbour.Is6() {
		return slices.Contains(neighbours6(link), neighbour.WithZone(""))
	}
	for _, c := range table(r, arpTable, 6) {
		if c[0] == neighbour.String() && c[2] == complete && c[5] == link {
			return true
		}
	}
	return false
}

// neighbours6 are the IPv6 addresses whose hardware addresses the kernel has, on the link (rtnetlink(7)).
func neighbours6(link string) []netip.Addr {
	const header, valid = unix.SizeofNdMsg, unix.NUD_PERMANENT | unix.NUD_REACHABLE | unix.NUD_STALE | unix.NUD_DELAY | unix.NUD_PROBE
	card, err := net.InterfaceByName(link)
	if err != nil {
		return nil
	}
	data, err := syscall.NetlinkRIB(unix.RTM_GETNEIGH, unix.AF_INET6)
	if err != nil {
		return nil
	}
	messages, _ := syscall.ParseNetlinkMessage(data)
	all := []netip.Addr{}
	for _, m := range messages {
		if m.Header.Type != unix.RTM_NEWNEIGH || len(m.Data) < header+unix.SizeofRtAttr ||
			int(binary.NativeEndian.Uint32(m.Data[4:])) != card.Index || binary.NativeEndian.Uint16(m.Data[8:])&valid == 0 {
			continue
		}
		attributes := m.Data[header:] // the first is the address
		if address, ok := netip.AddrFromSlice(attributes[unix.SizeofRtAttr:min(len(attributes), unix.SizeofRtAttr+net.IPv6len)]); ok && binary.NativeEndian.Uint16(attributes[2:]) == unix.NDA_DST {
			all = append(all, address)
		}
	}
	return all
}

// parseHex is the address of hex digits as the kernel writes them: IPv4's in the byte order of the machine.
func parseHex(text string) (netip.Addr, error) {
	b, err := hex.DecodeString(text)
	if address, ok := netip.AddrFromSlice(b); err == nil && ok {
		if address.Is6() {
			return address, nil
		}
		var v4 [4]byte
		binary.NativeEndian.PutUint32(v4[:], binary.BigEndian.Uint32(b))
		return netip.AddrFrom4(v4), nil
	}
	return netip.Addr{}, fmt.Errorf("%s: no address", text)
}
