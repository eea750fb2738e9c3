package host

import (
	"errors"
	"net"
	"net/netip"
)

// LinkTo is the link by which this host reaches another, by name or address. No packet is sent for that.
func LinkTo(name string) (string, error) {
	conn, err := net.Dial("udp", net.JoinHostPort(name, "22"))
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	from, err := netip.ParseAddrPort(conn.LocalAddr().String())
	if err != nil {
		return "", err
	}
	networks, err := Networks()
	if err != nil {
		return "", err
	}
	for link, on := range networks {
		for _, network := range on {
			if network.Addr() == from.Addr().WithZone("") {
				return link, nil
			}
		}
	}
	return "", errors.New("no link of this host has the address " + from.Addr().String())
}
