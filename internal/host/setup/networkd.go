package setup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// networkdFolder is where the files go. They begin with 05, so that they outrank the card's former file,
// netplan's as well (/run/systemd/network/10-netplan-*.network): systemd-networkd takes the first that fits, of
// all folders by name (systemd.network(5)).
const networkdFolder = "etc/systemd/network/05-coreos-libvirt-"

var (
	networkFile = regexp.MustCompile(`(?m)^\s*Network File: (/\S+)`)
	clientIAID  = regexp.MustCompile(`(?m)^\s*DHCP4 Client ID: IAID:0x([0-9a-f]+)/`)
	section     = regexp.MustCompile(`(?m)^\[(\w+)\][^\n]*\n(?:[^\[\n][^\n]*\n|\n)*`)
)

// networkd plans the bridge by files of systemd-networkd, or nothing where it does not manage the card.
func (m Machine) networkd(ctx context.Context, bridge, nic string) ([]Planned, error) {
	status, err := exec.CommandContext(ctx, "env", "LC_ALL=C", "networkctl", "--no-pager", "status", nic).Output()
	found := networkFile.FindSubmatch(status)
	if err != nil || found == nil || !strings.Contains(string(status), "(configured)") {
		return nil, nil
	}
	card, err := net.InterfaceByName(nic)
	if err != nil {
		return nil, err
	}
	former, err := m.former(string(found[1]))
	if err != nil {
		return nil, asRoot(err)
	}
	iaid := uint64(0) // else it would be of the bridge's name, and DHCP servers would give another address
	if found := clientIAID.FindSubmatch(status); found != nil {
		iaid, err = strconv.ParseUint(string(found[1]), 16, 32)
	}
	b := &FilesBridge{
		Name: bridge, NIC: nic, Up: []string{"networkctl reload"},
		Back: []string{}, Again: []string{"networkctl reload", "ip link delete " + bridge + " 2>/dev/null || true", "networkctl reconfigure " + nic, again(nic)},
	}
	files := networkdFiles(former, bridge, nic, card.HardwareAddr.String(), iaid)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, failed := m.file(networkdFolder+name, files[name])
		if err = errors.Join(err, failed); f != nil {
			b.Files = append(b.Files, f)
		}
	}
	if err != nil {
		return nil, asRoot(err)
	}
	return []Planned{{"bridge " + bridge + " over " + nic + ", by systemd-networkd", why(nic), b}}, nil
}

// again asks once more for a card that has no address after some seconds: what it was told while its bridge went,
// systemd-networkd may have lost.
func again(nic string) string {
	return fmt.Sprintf("for i in 1 2 3 4 5 6 7 8; do ip -oneline address show dev %s scope global | grep -q . && break; sleep 1; [ $i != 4 ] || networkctl reconfigure %s; done", nic, nic)
}

// former is the card's file with its drop-ins.
func (m Machine) former(path string) (string, error) {
	text, err := os.ReadFile(m.path(path))
	if err != nil {
		return "", err
	}
	all := string(text) + "\n"
	for _, folder := range []string{"etc", "run", "usr/lib"} {
		entries, _ := os.ReadDir(m.path(folder, "systemd/network", path[strings.LastIndex(path, "/")+1:]+".d"))
		for _, e := range entries {
			text, err := os.ReadFile(m.path(folder, "systemd/network", path[strings.LastIndex(path, "/")+1:]+".d", e.Name()))
			if err != nil {
				return "", err
			}
			all += string(text) + "\n"
		}
	}
	return all, nil
}

// networkdFiles are the bridge, its IP settings, which are the card's, and the card as its port.
func networkdFiles(former, bridge, nic, mac string, iaid uint64) map[string]string {
	settings, wire := "", ""
	for _, found := range section.FindAllStringSubmatch(former, -1) {
		switch found[1] {
		case "Match":
		case "Link":
			wire += found[0]
		default:
			settings += found[0]
		}
	}
	if iaid != 0 {
		settings += fmt.Sprintf("\n[DHCPv4]\nIAID=%d\n", iaid)
	}
	return map[string]string{
		bridge + ".netdev":       fmt.Sprintf("[NetDev]\nName=%s\nKind=bridge\nMACAddress=%s\n\n[Bridge]\nSTP=no\n", bridge, mac),
		bridge + ".network":      fmt.Sprintf("[Match]\nName=%s\n\n%s", bridge, settings),
		bridge + "-port.network": fmt.Sprintf("[Match]\nName=%s\n\n%s[Network]\nBridge=%s\nLinkLocalAddressing=no\n", nic, wire, bridge),
	}
}
