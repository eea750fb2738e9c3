package bridge

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
	"time"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/host/step"
	"coreos-libvirt/internal/terminal/hint"
)

// networkdFolder is where the files go. They begin with 05, so that they outrank the card's former file,
// netplan's as well (/run/systemd/network/10-netplan-*.network): systemd-networkd takes the first that fits, of
// all folders by name (systemd.network(5)).
const networkdFolder = "etc/systemd/network/05-coreos-libvirt-"

var (
	networkFile = regexp.MustCompile(`(?m)^\s*Network File: (/\S+)`)
	setupState  = regexp.MustCompile(`(?m)^\s*State: \S+ \((\w+)\)`)
	clientIAID  = regexp.MustCompile(`(?m)^\s*DHCP4 Client ID: IAID:0x([0-9a-f]+)/`)
	section     = regexp.MustCompile(`(?m)^\[(\w+)\][^\n]*\n(?:[^\[\n][^\n]*\n|\n)*`)
)

// networkd plans the bridge by files of systemd-networkd, or nothing where it does not manage the card.
func networkd(ctx context.Context, m step.Machine, bridge, nic string) ([]step.Planned, error) {
	status, err := configured(ctx, nic)
	found := networkFile.FindSubmatch(status)
	if err != nil || found == nil {
		return nil, err
	}
	card, err := net.InterfaceByName(nic)
	if err != nil {
		return nil, err
	}
	former, err := former(m, string(found[1]))
	if err != nil {
		return nil, asRoot(err)
	}
	iaid := uint64(0) // else it would be of the bridge's name, and DHCP servers would give another address
	if found := clientIAID.FindSubmatch(status); found != nil {
		iaid, err = strconv.ParseUint(string(found[1]), 16, 32)
	}
	b := &FromFiles{
		Name: bridge, NIC: nic, Up: []string{"networkctl reload"},
		Back: []string{}, Again: []string{"networkctl reload", step.Line("ip", "link", "delete", bridge) + " 2>/dev/null || true", step.Line("networkctl", "reconfigure", nic), again(nic, bridge)},
	}
	files := networkdFiles(former, bridge, nic, card.HardwareAddr.String(), iaid)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, failed := m.File(networkdFolder+name, files[name])
		if err = errors.Join(err, failed); f != nil {
			b.Files = append(b.Files, f)
		}
	}
	if err != nil {
		return nil, asRoot(err)
	}
	return []step.Planned{{Title: "bridge " + bridge + " over " + nic + ", by systemd-networkd", Why: why(nic), Step: b}}, nil
}

// configuring are the states of a card that systemd-networkd manages and is not done with (networkctl(1)).
var configuring = []string{"pending", "initialized", "configuring"}

// configuredWithin is how long systemd-networkd may take to be done with a card: a DHCP server's answer takes seconds.
const configuredWithin = 15 * time.Second

// configured is what networkctl says of a card that systemd-networkd has configured, or nothing if it does not manage the
// card. One that it is still at is waited for: the kernel shows an address before systemd-networkd says that it is done.
func configured(ctx context.Context, nic string) ([]byte, error) {
	for end := time.Now().Add(configuredWithin); ; {
		status, err := exec.CommandContext(ctx, "env", "LC_ALL=C", "networkctl", "--no-pager", "status", nic).Output()
		state := setupState.FindSubmatch(status)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil || state == nil:
			return nil, nil //nolint:nilerr // there is no systemd-networkd, or it does not run
		case string(state[1]) == "configured":
			return status, nil
		case !slices.Contains(configuring, string(state[1])):
			return nil, nil
		case time.Now().After(end):
			return nil, hint.Errorf("`networkctl status "+nic+"` shows what it waits for; then "+host.Sudo("mage host:setup"),
				"%s: systemd-networkd is not done with this card after %s, its state is %s", nic, configuredWithin, state[1])
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// again asks again and again, after longer and longer waits, for a card that has no address: what it was told while its bridge
// went, systemd-networkd may have lost, and a busy one needs minutes. It may also believe that the address of its lease is still
// there: it missed that it went, never sets it again, and says "configuring" for ever (seen with systemd 252). So that address
// comes and goes, and it hears of that. The asking ends after 5 minutes, or $within seconds but not before it has asked once
// more, or when the bridge is there again.
func again(nic, bridge string) string {
	return fmt.Sprintf(`i=0; next=4; while [ $i -lt ${within:-300} ] || [ $i -lt 8 ]; do
ip -oneline address show dev %[1]s scope global | grep -q . && break
! ip link show dev %[2]s >/dev/null 2>&1 || break
[ $i -lt $next ] || {
  lease=/run/systemd/netif/leases/$(cat /sys/class/net/%[1]s/ifindex 2>/dev/null) || true
  leased=$(sed -n 's/^ADDRESS=//p' "$lease" 2>/dev/null)/$(sed -n 's/^NETMASK=//p' "$lease" 2>/dev/null) || true
  [ "$leased" = / ] || { ip address add "$leased" dev %[1]s && ip address del "$leased" dev %[1]s; } || true
  networkctl reconfigure %[1]s; next=$((2 * next))
}
sleep 1; i=$((i + 1))
done`, step.Quoted(nic), step.Quoted(bridge))
}

// former is the card's file with its drop-ins.
func former(m step.Machine, path string) (string, error) {
	text, err := os.ReadFile(m.Root.Path(path))
	if err != nil {
		return "", err
	}
	all := string(text) + "\n"
	for _, folder := range []string{"etc", "run", "usr/lib"} {
		entries, _ := os.ReadDir(m.Root.Path(folder, "systemd/network", path[strings.LastIndex(path, "/")+1:]+".d"))
		for _, e := range entries {
			text, err := os.ReadFile(m.Root.Path(folder, "systemd/network", path[strings.LastIndex(path, "/")+1:]+".d", e.Name()))
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
