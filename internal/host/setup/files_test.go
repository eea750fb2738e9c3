package setup

import (
	"strings"
	"testing"
)

// A static configuration as netplan writes it, with what belongs to the wire.
func TestNetworkdFiles(t *testing.T) {
	former := "[Match]\nName=ens3\n\n[Link]\nMTUBytes=9000\n\n[Network]\nLinkLocalAddressing=ipv6\nAddress=10.0.0.7/24\n\n[Route]\nGateway=10.0.0.1\n"
	files := networkdFiles(former, "br0", "ens3", "52:54:00:00:00:01", 0)
	for name, want := range map[string]string{
		"br0.netdev":       "[NetDev]\nName=br0\nKind=bridge\nMACAddress=52:54:00:00:00:01\n\n[Bridge]\nSTP=no\n",
		"br0.network":      "[Match]\nName=br0\n\n[Network]\nLinkLocalAddressing=ipv6\nAddress=10.0.0.7/24\n\n[Route]\nGateway=10.0.0.1\n",
		"br0-port.network": "[Match]\nName=ens3\n\n[Link]\nMTUBytes=9000\n\n[Network]\nBridge=br0\nLinkLocalAddressing=no\n",
	} {
		if files[name] != want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, files[name], want)
		}
	}
	if got := networkdFiles("[Match]\nName=x\n[Network]\nDHCP=yes\n", "br0", "x", "", 7)["br0.network"]; got != "[Match]\nName=br0\n\n[Network]\nDHCP=yes\n\n[DHCPv4]\nIAID=7\n" {
		t.Errorf("got %s", got)
	}
}

func TestInterfaces(t *testing.T) {
	const port = "\n    bridge_ports eth0\n    bridge_hw aa:bb\n    bridge_stp off\n    bridge_fd 0\n"
	for text, want := range map[string]string{
		"auto lo eth0 eth1\niface lo inet loopback\niface eth0 inet dhcp\niface eth0 inet6 auto\n": "auto lo br0 eth1\niface lo inet loopback\niface eth0 inet manual\n\niface br0 inet dhcp" + port + "iface br0 inet6 auto\n",
		"allow-hotplug eth0\niface eth0 inet static\n  address 10.0.0.7/24\n  up echo eth0\n":      "auto br0\niface eth0 inet manual\n\niface br0 inet static" + port + "  address 10.0.0.7/24\n  up echo eth0\n",
		"auto eth0.5\niface eth0.5 inet dhcp\n":                                                    "auto eth0.5\niface eth0.5 inet dhcp\n",
	} {
		if got := interfaces(text, "br0", "eth0", "aa:bb"); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func TestInterfacesOf(t *testing.T) {
	m, _ := machineAt(t, map[string]string{"etc/network/interfaces": "iface eth1 inet dhcp\n", "etc/network/interfaces.d/a": "auto eth0\niface eth0 inet dhcp\n"})
	for nic, want := range map[string]string{"eth0": "etc/network/interfaces.d/a", "eth1": "etc/network/interfaces", "eth": ""} {
		if got := m.interfacesOf(nic); got != want {
			t.Errorf("%s: got %q", nic, got)
		}
	}
}

// What changes a file is shown as the change.
func TestCommandsOfFile(t *testing.T) {
	was := "a\nb\n"
	got := (&File{Path: "etc/x", Text: "a\nc\n", Before: &was}).Commands()
	if len(got) != 1 || !strings.HasPrefix(got[0], "patch -p0 <<'END'\n--- /etc/x\n+++ /etc/x\n") || !strings.Contains(got[0], "\n-b\n+c\n") {
		t.Errorf("got %q", got)
	}
	if got := (&File{Path: "etc/x", Text: "a\n"}).Commands(); len(got) != 1 || got[0] != "cat > /etc/x <<'END'\na\nEND" {
		t.Errorf("got %q", got)
	}
}
