package reach

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/workspace"
)

// here is a host with the nodes' bridge, and one more link.
var here = surroundings{link: "br0", networks: map[string][]netip.Prefix{
	"lo":   {netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("::1/128")},
	"br0":  {netip.MustParsePrefix("10.77.0.1/24"), netip.MustParsePrefix("fd00:77::1/64"), netip.MustParsePrefix("fe80::1/64")},
	"eth0": {netip.MustParsePrefix("192.0.2.7/24"), netip.MustParsePrefix("2001:db8::7/64")},
}}

// reported is the report of a node that has those addresses.
func reported(node string, addresses ...string) guest.Report {
	card := guest.Interface{Name: "eth0", MAC: workspace.MAC(node)}
	for _, address := range addresses {
		family := "inet"
		if strings.Contains(address, ":") {
			family = "inet6"
		}
		card.Addresses = append(card.Addresses, guest.Address{Family: family, Local: address, Scope: "global"})
	}
	return guest.Report{HostName: node, BootID: "b1", Interfaces: []guest.Interface{card}}
}

// TestAGuestDoesNotChooseWhereTheHostConnects: it can say any address, of which those count that a node can have.
func TestAGuestDoesNotChooseWhereTheHostConnects(t *testing.T) {
	without := surroundings{link: "br1", networks: here.networks} // the host has no address there
	for _, c := range []struct {
		host    surroundings
		says    []string
		counts  string
		because string
	}{
		{here, []string{"10.77.0.11"}, "10.77.0.11", ""},
		{here, []string{"fd00:77::11"}, "fd00:77::11", ""},
		{here, []string{"8.8.8.8", "10.77.0.11"}, "10.77.0.11", ""},
		{here, []string{"8.8.8.8", "fd00:77::11"}, "fd00:77::11", ""},
		{here, []string{"8.8.8.8"}, "", "8.8.8.8: it is on no network of br0"},
		{here, []string{"192.0.2.9"}, "", "192.0.2.9: it is on no network of br0"},
		{here, []string{"2001:db8::9"}, "", "2001:db8::9: it is on no network of br0"},
		{here, []string{"10.77.0.1"}, "", "10.77.0.1: it is this host's own, on br0"},
		{here, []string{"192.0.2.7"}, "", "192.0.2.7: it is this host's own, on eth0"},
		{here, []string{"127.0.0.1"}, "", "127.0.0.1: it is not a global unicast address"},
		{here, []string{"169.254.1.1"}, "", "169.254.1.1: it is not a global unicast address"},
		{here, []string{"0.0.0.0"}, "", "0.0.0.0: it is not a global unicast address"},
		{here, []string{"224.0.0.1"}, "", "224.0.0.1: it is not a global unicast address"},
		{here, []string{"255.255.255.255"}, "", "255.255.255.255: it is not a global unicast address"},
		{here, []string{"::ffff:10.77.0.11"}, "", "::ffff:10.77.0.11: it is not a global unicast address"},
		{here, []string{"fe80::2%br0"}, "", "fe80::2: it is not a global unicast address"},
		{without, []string{"10.99.0.5"}, "10.99.0.5", ""}, // behind a router
		{without, []string{"192.0.2.9"}, "", "192.0.2.9: it is on the network of eth0, and the nodes are on br1"},
		{surroundings{networks: here.networks}, []string{"10.99.0.5"}, "10.99.0.5", ""},
		{surroundings{networks: here.networks}, []string{"192.0.2.7"}, "", "192.0.2.7: it is this host's own, on eth0"},
	} {
		mac := workspace.MAC("core01")
		got, err := c.host.possible(reported("core01", c.says...), mac)
		if c.because == "" {
			if err != nil || got.Address(mac) != c.counts {
				t.Errorf("%v: got %q, %v", c.says, got.Address(mac), err)
			}
			continue
		}
		if want := "it reports an impossible address (" + c.because + ")\nhint: "; !errors.Is(err, ErrImpossible) || !strings.HasPrefix(err.Error(), want) || got.Address(mac) != "" {
			t.Errorf("%v: got %q, %v", c.says, got.Address(mac), err)
		}
	}
}

// TestNoTwoNodesAreAtOneAddress: which of the two lies, nobody knows.
func TestNoTwoNodesAreAtOneAddress(t *testing.T) {
	errs := Shared(map[string]guest.Report{
		"core01": reported("core01", "10.77.0.11"), "core02": reported("core02", "10.77.0.11"), "core03": reported("core03", "10.77.0.13"), "core04": {}, "core05": {},
	})
	if len(errs) != 2 || !errors.Is(errs["core01"], ErrImpossible) || !strings.Contains(errs["core02"].Error(), "10.77.0.11: core01 says that it is there, too") {
		t.Errorf("got %v", errs)
	}
}
