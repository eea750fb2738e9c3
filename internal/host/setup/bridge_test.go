package setup

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/host/testbed"
)

// TestBridge goes the whole way, from the plan to undo.
func TestBridge(t *testing.T) {
	if !testbed.Inside(t, "networkmanager") {
		return
	}
	m := Machine{Root: "/", Rollback: 20 * time.Second, Say: t.Logf}
	before := testbed.Address(testbed.Card)
	steps, err := m.bridge(t.Context(), Wanted{Bridge: "br0"})
	if err != nil || titles(steps) != "bridge br0 over eth0, by NetworkManager" {
		t.Fatalf("got %q, %v", titles(steps), err)
	}
	if err := m.Apply(t.Context(), steps); err != nil {
		t.Fatal(err)
	}
	if testbed.Address("br0") != before || m.Root.DefaultLink() != "br0" {
		t.Errorf("br0 has %s, the card had %s; the default route is over %s", testbed.Address("br0"), before, m.Root.DefaultLink())
	}
	if address, err := testbed.Guest(t, "br0"); err != nil || address == "" {
		t.Errorf("the guest has no lease: %v", err)
	}
	if again, err := m.bridge(t.Context(), Wanted{Bridge: "br0"}); err != nil || len(again) != 0 {
		t.Errorf("nothing lacks, and it plans %q, %v", titles(again), err)
	}
	if err := m.Undo(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := net.InterfaceByName("br0"); testbed.Address(testbed.Card) != before || err == nil {
		t.Errorf("the card has %s, it had %s; br0: %v", testbed.Address(testbed.Card), before, err)
	}
	testbed.ServerAnswers(t)
}

// TestBridgeCutsOff has a DHCP server that is deaf from then on: the host has its address again, the record
// what was begun, and undo nothing to do.
func TestBridgeCutsOff(t *testing.T) {
	if !testbed.Inside(t, "networkmanager") {
		return
	}
	m := Machine{Root: "/", Rollback: 6 * time.Second, Say: t.Logf}
	before := testbed.Address(testbed.Card)
	steps, err := m.bridge(t.Context(), Wanted{Bridge: "br0", NIC: testbed.Card})
	if err != nil {
		t.Fatal(err)
	}
	testbed.Outside(t, "ip", "link", "set", "uplink", "down")
	time.AfterFunc(7*time.Second, func() { testbed.Outside(t, "ip", "link", "set", "uplink", "up") })
	if err := m.Apply(t.Context(), steps); err == nil || !strings.Contains(err.Error(), "taken it back") {
		t.Fatalf("got %v", err)
	}
	testbed.Await(t, 20*time.Second, func() error {
		if got := testbed.Address(testbed.Card); got != before {
			return errors.New("the card has " + got)
		}
		return nil
	})
	if err := m.Undo(t.Context()); err != nil {
		t.Fatal(err)
	}
	testbed.ServerAnswers(t)
}

func TestBridgeRefuses(t *testing.T) {
	route := "h\nwlan0 00000000 01004E0A 0003 0 0 600 00000000 0 0 0\n"
	for want, c := range map[string]struct {
		nic   string
		there map[string]string
	}{
		"no such card, and no default route":           {"", map[string]string{"etc/x": ""}},
		"nic=eth7: there is no such card":              {"eth7", map[string]string{"proc/net/route": route}},
		"network=default":                              {"", map[string]string{"proc/net/route": route, "sys/class/net/wlan0/wireless/x": ""}},
		"direct=":                                      {"", map[string]string{"proc/net/route": route, "sys/class/net/wlan0/wireless/x": ""}},
		"bridge=br0: nothing that this knows manages ": {"eth0", map[string]string{"sys/class/net/eth0/x": ""}},
	} {
		m, _ := machineAt(t, c.there)
		steps, err := m.bridge(t.Context(), Wanted{Bridge: "br0", NIC: c.nic})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "\nhint: ") != 1 {
			t.Errorf("want %q, got %q, %v", want, titles(steps), err)
		}
	}
}

// TestGroup has a user who becomes a member, in databases of its own.
func TestGroup(t *testing.T) {
	if _, err := exec.LookPath("usermod"); err != nil {
		t.Skip("there is no usermod")
	}
	if !testbed.Inside(t, "nobody") {
		return
	}
	testbed.Run(t, "sh", "-ec", "groupadd --force libvirt; useradd somebody")
	before, err := os.ReadFile("/etc/group")
	if err != nil {
		t.Fatal(err)
	}
	m := Machine{Root: "/", Say: t.Logf}
	steps := groups(Wanted{User: "somebody"})
	if err := m.Apply(t.Context(), steps); err != nil || len(steps) != 1 || !member("somebody", "libvirt") {
		t.Fatalf("got %q, %v", titles(steps), err)
	}
	if again := groups(Wanted{User: "somebody"}); len(again) != 0 {
		t.Errorf("nothing lacks, and it plans %q", titles(again))
	}
	if err := m.Undo(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.ReadFile("/etc/group"); string(after) != string(before) {
		t.Errorf("got %s", after)
	}
	if got := groups(Wanted{}); got != nil {
		t.Errorf("root is in need of %q", titles(got))
	}
}
