package host

import (
	"net/netip"
	"strings"
	"testing"

	"coreos-libvirt/internal/testkit/testbed"
)

func TestDefaultLink(t *testing.T) {
	const head = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
	for routes, want := range map[string]string{
		"": "",
		"eth0 00004E0A 00000000 0001 0 0 0 00FFFFFF 0 0 0\n":                                                           "",
		"wlan0 00000000 01004E0A 0003 0 0 600 00000000 0 0 0\neth0 00000000 01004E0A 0003 0 0 100 00000000 0 0 0\nx\n": "eth0",
	} {
		root := tree(t, map[string]string{"proc/net/route": head + routes})
		if got := root.DefaultLink(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestCarries has a card with an address and a gateway, without the one, and with a gateway that is silent.
func TestCarries(t *testing.T) {
	if !testbed.Inside(t, "nobody") {
		return
	}
	const root = Root("/")
	u := root.Uplink(testbed.Card)
	if root.DefaultLink() != testbed.Card || len(u.Addresses) != 1 || u.Addresses[0].String() != "10.78.0.50" || len(u.Gateways) != 1 || u.Gateways[0].String() != testbed.Server {
		t.Fatalf("got %+v", u)
	}
	testbed.Await(t, 3e9, func() error { return root.Carries(testbed.Card, u) })
	for _, fault := range [][2]string{
		{"ip route del default", "ip route add default via 10.78.0.1"},
		{"ip link set eth0 down", "ip link set eth0 up"},
	} {
		testbed.Run(t, "sh", "-c", fault[0])
		if err := root.Carries(testbed.Card, u); err == nil {
			t.Errorf("%s: nothing is seen", fault[0])
		}
		testbed.Run(t, "sh", "-c", fault[1])
	}
	testbed.Run(t, "sh", "-c", "ip address del 10.78.0.50/24 dev eth0; ip address add 10.78.0.51/24 dev eth0; ip route replace default via 10.78.0.1")
	testbed.Await(t, 3e9, func() error { return root.Carries(testbed.Card, root.Uplink(testbed.Card)) })
	if err := root.Carries(testbed.Card, u); err == nil || !strings.Contains(err.Error(), "has not the address 10.78.0.50; it has 10.78.0.51") {
		t.Errorf("another address: got %v", err)
	}
	testbed.Run(t, "sh", "-c", "ip route replace default via 10.78.0.99")
	u = root.Uplink(testbed.Card)
	if err := root.Carries(testbed.Card, u); err == nil {
		t.Error("a gateway that is not there answers")
	}
	testbed.Run(t, "ip", "address", "flush", "dev", "eth0")
	if err := root.Carries(testbed.Card, u); err == nil {
		t.Error("a card without an address carries all")
	}
}

// TestCarries6 has a card with IPv6 only: an address and a router.
func TestCarries6(t *testing.T) {
	if !testbed.Inside(t, "nobody") {
		return
	}
	const root = Root("/")
	testbed.Outside(t, "ip", "address", "add", "fd78::1/64", "dev", "uplink", "nodad")
	good := "ip -4 address flush dev eth0; ip address replace fd78::5/64 dev eth0 nodad; ip -6 route replace default via fd78::1 dev eth0"
	testbed.Run(t, "sh", "-ec", good+"; ip link add br0 type bridge; ip link set br0 up")
	u := root.Uplink(testbed.Card)
	if root.DefaultLink() != testbed.Card || len(u.Addresses) != 1 || u.Addresses[0].String() != "fd78::5" || len(u.Gateways) != 1 || u.Gateways[0].String() != "fd78::1" {
		t.Fatalf("got %s, %+v", root.DefaultLink(), u)
	}
	testbed.Await(t, 3e9, func() error { return root.Carries(testbed.Card, u) })
	for fault, want := range map[string]string{
		"true":                         "br0 has no IPv6 address",
		"ip -6 address flush dev eth0": "eth0 has no IPv6 address",
		"ip -6 route del default":      "no default route over eth0, as there was by fd78::1",
		"ip -6 neigh flush all; ip -6 neigh replace fd78::1 nud failed dev eth0; true": "the gateway fd78::1 does not answer on eth0",
	} {
		link := strings.Fields(want)[0]
		if link != "br0" {
			link = testbed.Card
		}
		testbed.Run(t, "sh", "-c", fault)
		if err := root.Carries(link, u); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", fault, err, want)
		}
		testbed.Run(t, "sh", "-c", good)
		testbed.Await(t, 5e9, func() error { return root.Carries(testbed.Card, u) })
	}
	if r := (Uplink{Addresses: u.Addresses, Gateways: []netip.Addr{netip.MustParseAddr("fd78::99")}}); root.Carries(testbed.Card, r) == nil {
		t.Error("a gateway that is not there answers")
	}
}
