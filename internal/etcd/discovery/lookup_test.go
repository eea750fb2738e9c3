package discovery

import (
	"net/netip"
	"strings"
	"testing"
)

func TestReachableAddress(t *testing.T) {
	for text, want := range map[string]string{"127.0.1.1": "", "fd00::1 10.0.0.1": "10.0.0.1", "::1 fe80::1 fd00::1": "fd00::1", "": ""} {
		found := []netip.Addr{}
		for _, a := range strings.Fields(text) {
			found = append(found, netip.MustParseAddr(a))
		}
		if got, ok := reachableAddress(found); ok != (want != "") || ok && got.String() != want {
			t.Errorf("%s: got %s", text, got)
		}
	}
}
