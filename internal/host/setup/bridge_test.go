package setup

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/host/testbed"
)

// The whole way, from the plan to undo, by each who may manage the card.
func TestBridgeByNetworkManager(t *testing.T) { thereAndBack(t, "networkmanager", "NetworkManager") }
func TestBridgeByNetworkd(t *testing.T)       { thereAndBack(t, "networkd", "systemd-networkd") }
func TestBridgeByIfupdown(t *testing.T)       { thereAndBack(t, "ifupdown", "ifupdown") }

func thereAndBack(t *testing.T, manager, by string) {
	t.Helper()
	if !testbed.Inside(t, manager) {
		return
	}
	m := Machine{Root: "/", Rollback: 20 * time.Second, Say: t.Logf}
	before := testbed.Address(testbed.Card)
	steps := mustPlan(t, m)
	if last := steps[len(steps)-1].Title; last != "bridge br0 over eth0, by "+by {
		t.Fatalf("got %q", last)
	}
	t.Log(strings.Join(steps[len(steps)-1].Step.Commands(), "\n"))
	if err := m.Apply(t.Context(), steps); err != nil {
		t.Fatal(err)
	}
	if testbed.Address("br0") != before || m.Root.DefaultLink() != "br0" {
		t.Errorf("br0 has %s, the card had %s; the default route is over %s", testbed.Address("br0"), before, m.Root.DefaultLink())
	}
	if address, err := testbed.Guest(t, "br0"); err != nil || address == "" {
		t.Errorf("the guest has no lease: %v", err)
	}
	if again := mustPlan(t, m); len(again) != 0 {
		t.Errorf("nothing lacks, and it plans %q", titles(again))
	}
	if err := m.Undo(t.Context()); err != nil {
		t.Fatal(err)
	}
	back(t, before)
}

func mustPlan(t *testing.T, m Machine) []Planned {
	t.Helper()
	steps, err := m.bridge(t.Context(), Wanted{Bridge: "br0"})
	if err != nil {
		t.Fatal(err)
	}
	return steps
}

// back makes sure that the card is as it was, with the address it had.
func back(t *testing.T, address string) {
	t.Helper()
	testbed.Await(t, 20*time.Second, func() error {
		if got := testbed.Address(testbed.Card); got != address {
			return fmt.Errorf("the card has %q, it had %s", got, address)
		}
		if _, err := net.InterfaceByName("br0"); err == nil {
			return errors.New("br0 is still there")
		}
		return nil
	})
	testbed.ServerAnswers(t)
	left, _ := filepath.Glob("/etc/systemd/network/05-*")
	more, _ := filepath.Glob("/etc/NetworkManager/system-connections/*")
	if len(left)+len(more) != 0 {
		t.Errorf("left: %v %v", left, more)
	}
	if text, err := os.ReadFile("/etc/network/interfaces.d/eth0"); err == nil && string(text) != "# the card\nallow-hotplug eth0\niface eth0 inet dhcp\n    metric 7\n" {
		t.Errorf("got %s", text)
	}
}

// A network that is deaf when the bridge is made: the host has its address again, and undo nothing to do.
func TestCutOffByNetworkManager(t *testing.T) { cutOff(t, "networkmanager") }
func TestCutOffByNetworkd(t *testing.T)       { cutOff(t, "networkd") }
func TestCutOffByIfupdown(t *testing.T)       { cutOff(t, "ifupdown") }

func cutOff(t *testing.T, manager string) {
	t.Helper()
	if !testbed.Inside(t, manager) {
		return
	}
	m := Machine{Root: "/", Rollback: 6 * time.Second, Say: t.Logf}
	before, steps := testbed.Address(testbed.Card), mustPlan(t, m)
	testbed.Outside(t, "ip", "link", "set", "uplink", "down")
	time.AfterFunc(7*time.Second, func() { testbed.Outside(t, "ip", "link", "set", "uplink", "up") })
	err := m.Apply(t.Context(), steps)
	if err == nil || !strings.Contains(err.Error(), "taken") || !strings.Contains(err.Error(), "back") {
		t.Fatalf("got %v", err)
	}
	t.Log(err)
	back(t, before)
	if err := m.Undo(t.Context()); err != nil {
		t.Fatal(err)
	}
	back(t, before)
}

// The process that makes the bridge is killed in the middle.
func TestKilledByNetworkd(t *testing.T) { killed(t, "networkd") }
func TestKilledByIfupdown(t *testing.T) { killed(t, "ifupdown") }

func killed(t *testing.T, manager string) {
	t.Helper()
	if !testbed.Inside(t, manager) {
		return
	}
	const victim = "/run/to-be-killed"
	m := Machine{Root: "/", Rollback: 6 * time.Second, Say: t.Logf}
	if _, err := os.Stat(victim); err == nil { // this is the process to be killed
		_ = m.Apply(t.Context(), mustPlan(t, m))
		return
	}
	before := testbed.Address(testbed.Card)
	write(t, victim, "")
	testbed.Outside(t, "ip", "link", "set", "uplink", "down")
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	testbed.Await(t, 5*time.Second, func() error { _, err := net.InterfaceByName("br0"); return err })
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	testbed.Outside(t, "ip", "link", "set", "uplink", "up")
	begin := time.Now()
	back(t, before)
	t.Logf("back %s after the kill", time.Since(begin))
	if err := m.Undo(t.Context()); err != nil {
		t.Fatal(err)
	}
	back(t, before)
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
	if err := m.Apply(t.Context(), steps); err != nil || len(steps) != 1 || !host.Member("somebody", "libvirt") {
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
