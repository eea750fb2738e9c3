package bridge

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/host/step"
	"coreos-libvirt/internal/testkit/testbed"
)

// kinds are the steps that planning a bridge may give.
var kinds = step.Kinds{
	"packages":       func() step.Step { return &step.Packages{} },
	"networkmanager": func() step.Step { return &Managed{} },
	"bridge files":   func() step.Step { return &FromFiles{} },
}

// machineAt is a machine whose files are below a folder.
func machineAt(t *testing.T, files map[string]string) step.Machine {
	t.Helper()
	return step.Machine{Root: host.Root(testbed.Tree(t, files)), Rollback: time.Second, Say: t.Logf}
}

func titles(steps []step.Planned) string {
	all := []string{}
	for _, p := range steps {
		all = append(all, p.Title)
	}
	return strings.Join(all, "; ")
}

// The whole way, from the plan to undo, by each who may manage the card.
func TestBridgeByNetworkManager(t *testing.T) { thereAndBack(t, "networkmanager", "NetworkManager") }
func TestBridgeByNetworkd(t *testing.T)       { thereAndBack(t, "networkd", "systemd-networkd") }
func TestBridgeByIfupdown(t *testing.T)       { thereAndBack(t, "ifupdown", "ifupdown") }

func thereAndBack(t *testing.T, manager, by string) {
	t.Helper()
	if testbed.Inside(t, manager) {
		hereAndBack(t, by)
	}
}

// TestBridgeOverNetplan has the card's file where netplan writes it, and as closed.
func TestBridgeOverNetplan(t *testing.T) {
	if !testbed.Inside(t, "networkd") {
		return
	}
	const file = "/run/systemd/network/10-netplan-eth0.network"
	testbed.Run(t, "sh", "-ec", "mv /etc/systemd/network/80-wired.network "+file+"; chgrp systemd-network "+file+"; chmod 640 "+file+"; networkctl reload")
	testbed.Await(t, 10*time.Second, func() error {
		if testbed.Address(testbed.Card) == "" || !strings.Contains(testbed.Run(t, "networkctl", "status", "eth0"), file) {
			return errors.New("netplan's file is not used")
		}
		return nil
	})
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	hereAndBack(t, "systemd-networkd")
	if after, err := os.ReadFile(file); err != nil || string(after) != string(text) {
		t.Errorf("netplan's file: %v\n%s", err, after)
	}
}

// What the preview prints does the same, copied into a shell.
func TestCommandsByNetworkManager(t *testing.T) { copied(t, "networkmanager") }
func TestCommandsByNetworkd(t *testing.T)       { copied(t, "networkd") }
func TestCommandsByIfupdown(t *testing.T)       { copied(t, "ifupdown") }

func copied(t *testing.T, manager string) {
	t.Helper()
	if !testbed.Inside(t, manager) {
		return
	}
	if manager == "networkmanager" { // with an address of its own
		testbed.Run(t, strings.Fields("nmcli connection add type ethernet ifname eth0 con-name mine ipv4.method manual ipv4.addresses 10.78.0.7/24,10.78.0.8/24 ipv4.gateway 10.78.0.1 "+
			"ipv4.dns 10.78.0.1 ipv6.method disabled")...)
		testbed.Run(t, "nmcli", "connection", "modify", "mine", "ipv4.routes", "10.99.0.0/16 10.78.0.1 7")
		testbed.Run(t, "nmcli", "connection", "up", "mine")
	}
	m := step.Machine{Root: "/", Rollback: patient, Say: t.Logf}
	before := m.Root.Uplink(testbed.Card)
	steps := mustPlan(t, m)
	commands := strings.Join(steps[len(steps)-1].Step.Commands(), "\n")
	t.Log(commands)
	testbed.Run(t, "sh", "-ec", commands)
	testbed.Await(t, 15*time.Second, func() error { return m.Root.Carries("br0", before) })
	if routes := testbed.Run(t, "ip", "route"); manager == "networkmanager" && !strings.Contains(routes, "10.99.0.0/16 via 10.78.0.1 dev br0") {
		t.Errorf("got %s", routes)
	}
}

func hereAndBack(t *testing.T, by string) {
	t.Helper()
	m := step.Machine{Root: "/", Rollback: patient, Say: t.Logf}
	before := testbed.Address(testbed.Card)
	steps := mustPlan(t, m)
	if last := steps[len(steps)-1].Title; last != "bridge br0 over eth0, by "+by {
		t.Fatalf("got %q", last)
	}
	t.Log(strings.Join(steps[len(steps)-1].Step.Commands(), "\n"))
	if err := kinds.Apply(t.Context(), m, steps); err != nil {
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
	if err := kinds.Undo(t.Context(), m); err != nil {
		out, _ := exec.Command("sh", "-c", "cat /run/*.log; ip address").CombinedOutput()
		t.Fatalf("%v\n%s", err, out)
	}
	back(t, before)
}

func mustPlan(t *testing.T, m step.Machine) []step.Planned {
	t.Helper()
	steps, err := Plan(t.Context(), m, "br0", "")
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

func TestBridgeRefuses(t *testing.T) {
	route := "h\nwlan0 00000000 01004E0A 0003 0 0 600 00000000 0 0 0\n"
	for want, c := range map[string]struct {
		nic   string
		there map[string]string
	}{
		"no such card, and no default route": {"", map[string]string{"etc/x": ""}},
		"nic=eth7: there is no such card":    {"eth7", map[string]string{"proc/net/route": route}},
		"network=default":                    {"", map[string]string{"proc/net/route": route, "sys/class/net/wlan0/wireless/x": ""}},
		"direct=":                            {"", map[string]string{"proc/net/route": route, "sys/class/net/wlan0/wireless/x": ""}},
		"bridge=br0: neither NetworkManager, systemd-networkd nor ifupdown manages ": {"lo", map[string]string{"sys/class/net/lo/x": ""}}, // which every host has
	} {
		m := machineAt(t, c.there)
		steps, err := Plan(t.Context(), m, "br0", c.nic)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "\nhint: ") != 1 {
			t.Errorf("want %q, got %q, %v", want, titles(steps), err)
		}
	}
}

// A link's name that the kernel takes, and a script or a configuration file would take for something else, is refused.
func TestBridgeRefusesNames(t *testing.T) {
	for _, name := range []string{"x;reboot", "$(reboot)", "a'b", "eth%i", "en*", "-all", "a\"b"} {
		m := machineAt(t, map[string]string{"proc/net/route": "h\n" + name + " 00000000 01004E0A 0003 0 0 600 00000000 0 0 0\n", "sys/class/net/" + name + "/x": "", "sys/class/net/eth0/x": ""})
		for nic, bridge := range map[string]string{"": "br0", "eth0": name + "y"} {
			steps, err := Plan(t.Context(), m, bridge, nic)
			if err == nil || !strings.Contains(err.Error(), "a link of this name cannot be in a configuration file\nhint: ip link set dev ") || len(steps) > 0 {
				t.Errorf("bridge=%s nic=%s, a route over %s: got %v", bridge, nic, name, err)
			}
		}
	}
}

// TestPreviewOfAPlainUser has a card whose file, as netplan's, is not for everybody: the preview ends with the
// command that may look, and with no step.
func TestPreviewOfAPlainUser(t *testing.T) {
	if !testbed.Inside(t, "networkd") {
		return
	}
	m := step.Machine{Root: "/", Say: t.Logf}
	if os.Getuid() != 0 { // this is the process of the other user
		steps, err := Plan(t.Context(), m, "br0", "")
		t.Logf("<%d steps> <%v>", len(steps), err)
		return
	}
	testbed.Run(t, "chmod", "0640", "/etc/systemd/network/80-wired.network")
	if out := testbed.AsUser(t); !strings.Contains(out, "<0 steps> <open /etc/systemd/network/80-wired.network: permission denied") || !strings.Contains(out, "hint: sudo env PATH=\"$PATH\" mage host:setup>") {
		t.Errorf("got %s", out)
	}
	if steps := mustPlan(t, m); len(steps) != 1 {
		t.Errorf("root: got %q", titles(steps))
	}
}

// What cannot be the port of a new bridge is told, with the bridge that is there already.
func TestNotBridgeable(t *testing.T) {
	if !testbed.Inside(t, "nobody") {
		return
	}
	testbed.Run(t, "sh", "-ec", `ip link add br7 type bridge; ip link add port0 type veth peer name port1; ip link set port0 master br7
ip tuntap add tap7 mode tap; ip tuntap add tun7 mode tun`)
	m := step.Machine{Root: "/", Say: t.Logf}
	for nic, want := range map[string]string{
		"br7": "hint: bridge=br7 ", "port0": "hint: bridge=br7 ", "tap7": "not an Ethernet card", "tun7": "not an Ethernet card", "port1": "", "eth0": "",
	} {
		_, err := card(m, nic)
		if (err != nil) != (want != "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Count(err.Error(), "\nhint: ") != 1) {
			t.Errorf("%s: want %q, got %v", nic, want, err)
		}
	}
}

// TestInterfacesOfManyFiles has what a host of some years has: the card's settings in three files, one without a
// newline at its end, an alias, and a line END.
func TestInterfacesOfManyFiles(t *testing.T) {
	if !testbed.Inside(t, "ifupdown") {
		return
	}
	testbed.Run(t, "ifdown", "eth0")
	files := map[string]string{
		interfacesFile:                  "auto lo eth0 eth0:1\niface lo inet loopback\nsource /etc/network/interfaces.d/*\n",
		"etc/network/interfaces.d/eth0": "# 'the' $card\niface eth0 inet dhcp\n    metric 7\n    up echo \\\nEND\n    up touch /run/came-up",
		"etc/network/interfaces.d/v6":   "iface eth0 inet6 static\n    address fd78::7/64\n    dad-attempts 0\niface eth0:1 inet static\n    address 10.78.0.9/24",
	}
	for path, text := range files {
		testbed.Write(t, "/"+path, text)
	}
	testbed.Run(t, "ifup", "-a")
	m := step.Machine{Root: "/", Rollback: patient, Say: t.Logf}
	before := testbed.Run(t, "ip", "-brief", "address", "show", "dev", "eth0")
	steps := mustPlan(t, m)
	if err := kinds.Apply(t.Context(), m, steps); err != nil {
		t.Fatal(err)
	}
	has := func(link string, want ...string) {
		t.Helper()
		testbed.Await(t, 5*time.Second, func() error {
			now := strings.Fields(testbed.Run(t, "ip", "-brief", "address", "show", "dev", link))
			for _, address := range want {
				if !slices.Contains(now, address) {
					return fmt.Errorf("no %s: %s", address, now)
				}
			}
			return nil
		})
	}
	all := []string{strings.Fields(before)[2], "10.78.0.9/24", "fd78::7/64"}
	has("br0", all...)
	testbed.Run(t, "sh", "-ec", "ifdown -a; ifup -a") // as at boot
	has("br0", all...)
	undone := func() {
		t.Helper()
		has("eth0", all...)
		for path, text := range files {
			if now, err := os.ReadFile("/" + path); err != nil || string(now) != text {
				t.Errorf("%s: %v\n%s", path, err, now)
			}
		}
	}
	if err := kinds.Undo(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	undone()
	m.Rollback = 6 * time.Second // and the rollback
	if err := kinds.Apply(t.Context(), deaf(t, m), mustPlan(t, m)); err == nil {
		t.Fatal("a bridge that carries nothing is good")
	}
	undone()
}

// A card that systemd-networkd is still configuring is waited for; one that it is never done with is an error that says so.
func TestNetworkdIsStillConfiguring(t *testing.T) {
	if !testbed.Inside(t, "networkd") {
		return
	}
	m := step.Machine{Root: "/", Say: t.Logf}
	testbed.Run(t, "networkctl", "reconfigure", "eth0")
	if steps, err := Plan(t.Context(), m, "br0", "eth0"); err != nil || len(steps) != 1 {
		t.Errorf("got %q, %v", titles(steps), err)
	}
	testbed.Write(t, "/etc/systemd/network/80-wired.network", "[Match]\nName=eth0\n\n[Network]\nDHCP=ipv6\nIPv6AcceptRA=no\n\n[DHCPv6]\nWithoutRA=solicit\n") // nobody answers
	testbed.Run(t, "sh", "-ec", "networkctl reload; networkctl reconfigure eth0")
	steps, err := Plan(t.Context(), m, "br0", "eth0")
	if err == nil || !strings.Contains(err.Error(), "eth0: systemd-networkd is not done with this card") || strings.Count(err.Error(), "\nhint: ") != 1 {
		t.Errorf("got %q, %v", titles(steps), err)
	}
}

// A card with IPv6 only: the bridge carries that, and one that does not is taken back.
func TestIPv6ByNetworkd(t *testing.T) {
	if !testbed.Inside(t, "networkd") {
		return
	}
	const address = "fd78::5"
	testbed.Outside(t, "ip", "address", "add", "fd78::1/64", "dev", "uplink", "nodad")
	testbed.Write(t, "/etc/systemd/network/80-wired.network", "[Match]\nName=eth0\n\n[Network]\nAddress="+address+"/64\nGateway=fd78::1\nIPv6AcceptRA=no\n")
	testbed.Run(t, "sh", "-ec", "chmod 644 /etc/systemd/network/80-wired.network; networkctl reload")
	m := step.Machine{Root: "/", Rollback: patient, Say: t.Logf}
	on := func(link string) func() error {
		return func() error {
			if testbed.Address(testbed.Card) != "" {
				return errors.New("the card has IPv4 still")
			}
			u := m.Root.Uplink(link)
			if len(u.Addresses) != 1 || u.Addresses[0].String() != address || len(u.Gateways) != 1 {
				return fmt.Errorf("got %+v", u)
			}
			return m.Root.Carries(link, u)
		}
	}
	testbed.Await(t, 10*time.Second, on(testbed.Card))
	steps := mustPlan(t, m)
	if err := kinds.Apply(t.Context(), m, steps); err != nil {
		t.Fatal(err)
	}
	testbed.Await(t, 10*time.Second, on("br0"))
	if err := kinds.Undo(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	testbed.Await(t, 10*time.Second, on(testbed.Card))
	m.Rollback = 6 * time.Second
	err := kinds.Apply(t.Context(), deaf(t, m), steps)
	testbed.Outside(t, "sh", "-ec", "ip link set uplink up; ip address replace fd78::1/64 dev uplink nodad")
	if err == nil || !strings.Contains(err.Error(), "taken back") {
		t.Errorf("got %v", err)
	}
	testbed.Await(t, 10*time.Second, on(testbed.Card))
}
