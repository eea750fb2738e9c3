package bridge

import (
	"slices"
	"strings"
	"testing"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/host/step"
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

func TestTransfer(t *testing.T) {
	const port = "\n    bridge_ports eth0\n    bridge_hw aa:bb\n    bridge_stp off\n    bridge_fd 0\n"
	for text, want := range map[string]string{
		"auto lo eth0 eth1\niface lo inet loopback\niface eth0 inet dhcp\niface eth0 inet6 auto\n": "auto lo eth1\nauto br0\niface lo inet loopback\niface eth0 inet manual\n\niface br0 inet dhcp" + port + "iface br0 inet6 auto\n",
		"allow-hotplug eth0\niface eth0 inet static\n  address 10.0.0.7/24\n  up echo eth0\n":      "auto br0\niface eth0 inet manual\n\niface br0 inet static" + port + "  address 10.0.0.7/24\n  up echo eth0\n",
		"allow-hotplug eth0 eth1\niface eth0 inet dhcp\n":                                          "allow-hotplug eth1\nauto br0\niface eth0 inet manual\n\niface br0 inet dhcp" + port,
		"auto eth0 eth0:1\niface eth0:1 inet static\n  address 10.0.0.8\niface eth0 inet dhcp":     "auto br0 br0:1\niface br0:1 inet static\n  address 10.0.0.8\niface eth0 inet manual\n\niface br0 inet dhcp" + strings.TrimSuffix(port, "\n"),
		"iface eth0 inet dhcp\n":                   "iface eth0 inet manual\n\nauto br0\niface br0 inet dhcp" + port,
		"auto eth0.5\niface eth0.5 inet dhcp\n":    "auto eth0.5\niface eth0.5 inet dhcp\n",
		"auto eth0\niface eth0:1 inet dhcp\n# end": "auto br0\niface br0:1 inet dhcp\n# end",
	} {
		transfer := &transfer{bridge: "br0", nic: "eth0", mac: "aa:bb"}
		transfer.look(text)
		if got := transfer.rewrite(text); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

// Of several files each is changed that names the card, in the order in which ifup reads them.
func TestTransferOfFiles(t *testing.T) {
	m := machineAt(t, map[string]string{
		interfacesFile:               "auto lo eth0\nsource interfaces.d/*\nsource-directory /etc/network/more\niface eth2 inet dhcp\niface eth0 inet6 static\n",
		"etc/network/interfaces.d/a": "iface eth0 inet dhcp\n", "etc/network/interfaces.d/b": "iface eth1 inet dhcp\n", "etc/network/more/c": "iface eth0:0 inet static\n", "etc/network/more/c.bak": "iface eth0 inet dhcp\n",
	})
	for nic, want := range map[string][]string{
		"eth0": {"etc/network/interfaces.d/a", "etc/network/more/c", interfacesFile}, "eth1": {"etc/network/interfaces.d/b"}, "eth2": {interfacesFile}, "eth": nil,
	} {
		transfer := &transfer{bridge: "br0", nic: nic, mac: "aa:bb"}
		files, err := transferred(m, transfer)
		got := []string(nil)
		for _, f := range files {
			got = append(got, f.Path)
			if strings.Count(f.Text, "bridge_ports") != map[bool]int{true: 1}[f.Path == want[0]] {
				t.Errorf("%s: %s has\n%s", nic, f.Path, f.Text)
			}
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v", nic, got, err)
		}
	}
	if files, err := transferred(step.Machine{Root: host.Root(t.TempDir())}, &transfer{nic: "eth0"}); files != nil || err != nil {
		t.Errorf("no files: got %v, %v", files, err)
	}
}
