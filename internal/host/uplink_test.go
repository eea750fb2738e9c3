package host

import (
	"testing"

	"coreos-libvirt/internal/host/testbed"
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
	if root.DefaultLink() != testbed.Card || !u.IPv4 || u.Gateway.String() != testbed.Server {
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
	testbed.Run(t, "sh", "-c", "ip address add 10.78.0.51/24 dev eth0; ip route replace default via 10.78.0.99")
	u = root.Uplink(testbed.Card)
	if err := root.Carries(testbed.Card, u); err == nil {
		t.Error("a gateway that is not there answers")
	}
	testbed.Run(t, "ip", "address", "flush", "dev", "eth0")
	if err := root.Carries(testbed.Card, u); err == nil {
		t.Error("a card without an address carries all")
	}
}
