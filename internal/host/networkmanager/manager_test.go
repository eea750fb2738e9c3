package networkmanager

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/google/uuid"

	"coreos-libvirt/internal/testkit/testbed"
)

const bus = "/run/dbus/system_bus_socket"

func connect(t *testing.T) *Manager {
	t.Helper()
	m, err := Connect(t.Context(), bus)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

func plan(t *testing.T, m *Manager) Bridge {
	t.Helper()
	b, err := m.Plan(t.Context(), "br0", testbed.Card, uuid.NewString)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// has tells that the link has the address, as what a bridge must have.
func has(link, address string) func() error {
	return func() error {
		if got := testbed.Address(link); got == "" || address != "" && got != address {
			return fmt.Errorf("%s has %q, not %q", link, got, address)
		}
		return nil
	}
}

// snapshot is all profiles but for when they were used last, and all files of them.
func snapshot(t *testing.T, m *Manager) (profiles map[string]Stored, files map[string]string) {
	t.Helper()
	var all []dbus.ObjectPath
	if err := m.get(t.Context(), root+"/Settings", settings, "Connections", &all); err != nil {
		t.Fatal(err)
	}
	profiles, files = map[string]Stored{}, map[string]string{}
	for _, at := range all {
		d := document{}
		if err := m.call(t.Context(), at, profile+".GetSettings").Store(&d); err != nil {
			t.Fatal(err)
		}
		delete(d["connection"], "timestamp")
		profiles[d["connection"]["id"].String()] = store(d)
	}
	paths, _ := filepath.Glob("/etc/NetworkManager/system-connections/*")
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[path] = string(text)
	}
	return profiles, files
}

// TestBridgeAndBack has NetworkManager's own profile of a new card, and static and DHCP profiles of the user's.
func TestBridgeAndBack(t *testing.T) {
	if !testbed.Inside(t, "networkmanager") {
		return
	}
	for _, words := range []string{
		"", "ipv4.method auto ipv4.dns-search example.org 802-3-ethernet.mtu 1400",
		"ipv4.method manual ipv4.addresses 10.78.0.7/24 ipv4.gateway 10.78.0.1 ipv4.routes 10.99.0.0/16,10.78.0.1 ipv4.dns 10.78.0.1 ipv6.method disabled connection.autoconnect-priority 7",
	} {
		if words != "" {
			add := append(strings.Fields("nmcli connection add type ethernet ifname eth0 con-name mine"), strings.Fields(words)...)
			_ = exec.Command("nmcli", "connection", "delete", "mine").Run()
			testbed.Run(t, add...)
			testbed.Run(t, "nmcli", "connection", "up", "mine")
		}
		thereAndBack(t)
	}
}

func thereAndBack(t *testing.T) {
	t.Helper()
	m := connect(t)
	before := testbed.Address(testbed.Card)
	profiles, files := snapshot(t, m)
	b := plan(t, m)
	begin := time.Now()
	if err := m.Make(t.Context(), b, patient, has("br0", "")); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: bridged after %s", b.FormerID, time.Since(begin))
	if got := testbed.Address("br0"); got != before {
		t.Errorf("the bridge has %s, the card had %s", got, before)
	}
	if card, _ := net.InterfaceByName("br0"); card == nil || card.HardwareAddr.String() != testbed.MAC {
		t.Errorf("got %+v", card)
	}
	for _, file := range []string{"coreos-libvirt br0.nmconnection", "coreos-libvirt br0 port eth0.nmconnection"} {
		if _, err := os.Stat("/etc/NetworkManager/system-connections/" + file); err != nil {
			t.Errorf("not for the next boot: %v", err)
		}
	}
	testbed.ServerAnswers(t)
	if address, err := testbed.Guest(t, "br0"); err != nil || address == "" {
		t.Errorf("the guest has no lease: %v", err)
	}
	begin = time.Now()
	if err := m.Undo(t.Context(), b, patient, has(testbed.Card, "")); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: undone after %s", b.FormerID, time.Since(begin))
	testbed.Await(t, 5*time.Second, has(testbed.Card, before))
	afterProfiles, afterFiles := snapshot(t, m)
	if !reflect.DeepEqual(profiles, afterProfiles) || !maps.Equal(files, afterFiles) {
		t.Errorf("before: %v\n%v\nafter: %v\n%v", profiles, files, afterProfiles, afterFiles)
	}
	if err := m.Undo(t.Context(), b, patient, has(testbed.Card, "")); err != nil {
		t.Errorf("nothing to do, and it fails: %v", err)
	}
}

// TestFormerProfileIsGone has somebody who deletes the card's former profile while the bridge is there: undo makes
// it again, with all that it said.
func TestFormerProfileIsGone(t *testing.T) {
	if !testbed.Inside(t, "networkmanager") {
		return
	}
	testbed.Run(t, append(strings.Fields("nmcli connection add type ethernet ifname eth0 con-name mine"), strings.Fields("ipv4.method manual ipv4.addresses 10.78.0.7/24,10.78.0.8/24 ipv4.gateway 10.78.0.1 ipv4.dns 10.78.0.1 "+
		"ipv6.method manual ipv6.addresses fd78::7/64 ipv6.gateway fd78::1 802-3-ethernet.mtu 1400 802-3-ethernet.cloned-mac-address 02:00:00:00:00:10 connection.zone home")...)...)
	testbed.Run(t, "nmcli", "connection", "modify", "mine", "ipv4.routes", "10.99.0.0/16 10.78.0.1 7", "ipv6.routes", "fd99::/64 fd78::1", "ipv4.dns-search", "example.org,example.net")
	testbed.Run(t, "nmcli", "connection", "up", "mine")
	m := connect(t)
	profiles, files := snapshot(t, m)
	b := plan(t, m)
	if err := m.Make(t.Context(), b, patient, has("br0", "10.78.0.7/24")); err != nil {
		t.Fatal(err)
	}
	testbed.Run(t, "nmcli", "connection", "delete", "mine")
	if err := m.Undo(t.Context(), b, patient, has(testbed.Card, "10.78.0.7/24")); err != nil {
		t.Fatal(err)
	}
	afterProfiles, afterFiles := snapshot(t, m)
	if !reflect.DeepEqual(profiles, afterProfiles) || !reflect.DeepEqual(slices.Sorted(maps.Keys(files)), slices.Sorted(maps.Keys(afterFiles))) {
		t.Errorf("before: %v\n%v\nafter: %v\n%v", profiles, files, afterProfiles, afterFiles)
	}
}

// gone tells that nothing of the bridge is left and the card has its address.
func gone(t *testing.T, m *Manager, address string, profiles map[string]Stored) {
	t.Helper()
	testbed.Await(t, 20*time.Second, has(testbed.Card, address))
	testbed.Await(t, 5*time.Second, func() error {
		if _, err := net.InterfaceByName("br0"); err == nil {
			return fmt.Errorf("br0 is still there")
		}
		return nil
	})
	if after, files := snapshot(t, m); !reflect.DeepEqual(profiles, after) || len(files) != 0 {
		t.Errorf("before: %v\nafter: %v, %v", profiles, after, files)
	}
	testbed.ServerAnswers(t)
}

// patient is the rollback of what shall succeed: time enough on any machine. What is taken back waits all its time.
const patient = 3 * time.Minute

// TestNoLease has a DHCP server that does not answer the bridge any more.
func TestNoLease(t *testing.T) {
	if !testbed.Inside(t, "networkmanager") {
		return
	}
	m := connect(t)
	before := testbed.Address(testbed.Card)
	profiles, _ := snapshot(t, m)
	b := plan(t, m)
	testbed.PlugOut(t, "br0")
	err := m.Make(t.Context(), b, 8*time.Second, has("br0", ""))
	if err == nil || !strings.Contains(err.Error(), "NetworkManager has taken it back") {
		t.Fatalf("got %v", err)
	}
	t.Log(err)
	gone(t, m, before, profiles)
	if err := m.Undo(t.Context(), b, patient, has(testbed.Card, "")); err != nil {
		t.Errorf("nothing to do, and it fails: %v", err)
	}
}

// killed is there only in the process that TestKilled kills.
const killed = "/run/to-be-killed"

// TestKilled kills the process that waits for the bridge's address with SIGKILL.
func TestKilled(t *testing.T) {
	if !testbed.Inside(t, "networkmanager") {
		return
	}
	m := connect(t)
	if _, err := os.Stat(killed); err == nil { // this is that process
		_ = m.Make(t.Context(), plan(t, m), 8*time.Second, func() error { return fmt.Errorf("never") })
		return
	}
	before := testbed.Address(testbed.Card)
	profiles, _ := snapshot(t, m)
	if err := os.WriteFile(killed, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	testbed.Await(t, 10*time.Second, has("br0", before))
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	begin := time.Now()
	gone(t, m, before, profiles)
	t.Logf("back %s after the kill", time.Since(begin))
}

func TestBridgeable(t *testing.T) {
	for kind, want := range map[uint32]string{ethernet: "", veth: "", wifi: "network=default", 10: "bridge="} {
		err := Device{Name: "wlan0", kind: kind}.Bridgeable()
		if (err != nil) != (want != "") || err != nil && (!strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "\nhint: ")) {
			t.Errorf("%d: got %v", kind, err)
		}
	}
}

func TestConnectWithoutBus(t *testing.T) {
	if _, err := Connect(context.Background(), filepath.Join(t.TempDir(), "socket")); err == nil || !strings.Contains(err.Error(), "no NetworkManager answers") {
		t.Errorf("got %v", err)
	}
}
