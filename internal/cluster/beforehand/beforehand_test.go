package beforehand

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"testing"

	"coreos-libvirt/internal/workspace"
)

// onLink is a network of 10.0.0.0/24 and fd00::/64.
func onLink(address netip.Addr) bool {
	return netip.MustParsePrefix("10.0.0.0/24").Contains(address) || netip.MustParsePrefix("fd00::/64").Contains(address)
}

// documentOf has one file with a text.
func documentOf(path, text string) []byte {
	return fmt.Appendf(nil, `{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":%q,"contents":{"source":"data:;base64,%s"}}]}}`, path, base64.StdEncoding.EncodeToString([]byte(text)))
}

func TestStatic(t *testing.T) {
	const profile, network = "/etc/NetworkManager/system-connections/eth.nmconnection", "/etc/systemd/network/10-eth.network"
	for name, c := range map[string]struct {
		doc  []byte
		want string
	}{
		"a profile":                     {documentOf(profile, "[ipv4]\nmethod=manual\naddress1=10.0.0.11/24,10.0.0.1\n"), "10.0.0.11"},
		"a profile with addresses=":     {documentOf(profile, "[ipv4]\naddresses=10.0.0.12/24;\nmethod=manual\n"), "10.0.0.12"},
		"a profile that asks DHCP, too": {documentOf(profile, "[ipv4]\nmethod=auto\naddress1=10.0.0.11/24\n"), ""},
		"of networkd":                   {documentOf(network, "[Match]\nName=eth*\n[Network]\nAddress=10.0.0.13/24\nGateway=10.0.0.1\n"), "10.0.0.13"},
		"both families":                 {documentOf(network, "[Network]\nAddress=fd00::13/64\nAddress=10.0.0.13/24\n"), "10.0.0.13"},
		"IPv6":                          {documentOf(network, "[Network]\nAddress=fd00::13/64\n"), "fd00::13"},
		"a card for another network":    {documentOf(network, "[Network]\nAddress=192.168.7.13/24\n"), ""},
		"two of them":                   {documentOf(network, "[Network]\nAddress=10.0.0.13/24\nAddress=10.0.0.14/24\n"), ""},
		"another file":                  {documentOf("/etc/hosts", "Address=10.0.0.13/24\n"), ""},
		"an argument of the kernel":     {[]byte(`{"ignition":{"version":"3.4.0"},"kernelArguments":{"shouldExist":["ip=10.0.0.14::10.0.0.1:255.255.255.0:core01:eth0:none"]}}`), "10.0.0.14"},
		"DHCP by an argument":           {[]byte(`{"ignition":{"version":"3.4.0"},"kernelArguments":{"shouldExist":["ip=dhcp"]}}`), ""},
		"no JSON":                       {[]byte("x"), ""},
	} {
		got := Static(c.doc, onLink)
		if got.IsValid() != (c.want != "") || got.IsValid() && got.String() != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

// TestWhoIsBelieved: what the user says first, then the config, the engine, DNS. What no node can have does not count, nor what two have.
func TestWhoIsBelieved(t *testing.T) {
	nodes := workspace.Nodes(t.TempDir(), "core", 6)
	s := Sources{
		Said: func(n workspace.Node) string { return map[string]string{"core01": "10.0.0.1", "core06": "x"}[n.Name] },
		Document: func(node string) []byte {
			if node == "core01" || node == "core02" {
				return documentOf("/etc/systemd/network/a.network", "[Network]\nAddress=10.0.0.2/24\n")
			}
			return []byte("{}")
		},
		Reserved: func(mac string) netip.Addr {
			return map[string]netip.Addr{nodes[1].MAC: netip.MustParseAddr("10.0.0.9"), nodes[2].MAC: netip.MustParseAddr("10.0.0.3")}[mac]
		},
		Lookup: func(_ context.Context, name string) (netip.Addr, error) {
			switch name {
			case "core04":
				return netip.MustParseAddr("::ffff:10.0.0.4"), nil
			case "core05":
				return netip.MustParseAddr("203.0.113.5"), nil // a wildcard of somebody's
			}
			return netip.Addr{}, errors.New("no such host")
		},
		Possible: onLink,
	}
	want := map[string]Place{
		"core01": {"10.0.0.1", "addresses="}, "core02": {"10.0.0.2", "its config"}, "core03": {"10.0.0.3", "libvirt's network"}, "core04": {"10.0.0.4", "DNS"},
	}
	if got := s.Of(t.Context(), nodes); !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	s.Said = func(workspace.Node) string { return "10.0.0.7" }
	if got := s.Of(t.Context(), nodes[:2]); len(got) != 0 {
		t.Errorf("two nodes at one address: got %v", got)
	}
	if got := (Sources{Possible: onLink}).Of(t.Context(), nodes); len(got) != 0 {
		t.Errorf("nobody knows: got %v", got)
	}
}

// TestNobodyWaitsForDNS which does not answer.
func TestNobodyWaitsForDNS(t *testing.T) {
	s := Sources{Possible: onLink, Lookup: func(ctx context.Context, _ string) (netip.Addr, error) {
		<-ctx.Done()
		return netip.Addr{}, ctx.Err()
	}}
	if got := s.Of(t.Context(), workspace.Nodes(t.TempDir(), "core", 2)); len(got) != 0 {
		t.Errorf("got %s", strings.TrimSpace(fmt.Sprint(got)))
	}
}
