package host

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// Card makes sure that nodes can share the card by macvtap: it is there, is up, is not Wi-Fi, and not a port of a
// bridge, which has its frames.
func (r Root) Card(name string) (string, error) {
	folder := r.Path("sys/class/net", name)
	flags, _ := strconv.ParseUint(r.Read("sys/class/net", name, "flags"), 0, 32)
	for _, fault := range []struct {
		is           bool
		advice, what string
	}{
		{absent(folder), "`ip link` lists the cards", "there is no card %s"},
		{!absent(filepath.Join(folder, "wireless")), "network=default", "%s is Wi-Fi: an access point takes no frames of guests behind a station"},
		{!absent(filepath.Join(folder, "brport")), "bridge=, the bridge that it is a port of", "%s is a port of a bridge, which has its frames"},
		{flags&unix.IFF_UP == 0, "ip link set " + name + " up", "%s is down"},
	} {
		if fault.is {
			return "", hint.Errorf(fault.advice, "direct=%s: "+fault.what, name, name)
		}
	}
	beside := r.Beside(name, hasIPv4)
	if beside == "" {
		return "", Warn(Alone(name))
	}
	return name + ", shared by macvtap; this host reaches the nodes over " + beside, nil
}

// Beside is a link of this host's own over the card, beside those of the guests: a macvlan with an address.
// The kernel lets no frames of the card itself to them (https://libvirt.org/formatdomain.html#direct-attachment-to-physical-interface).
// Of links over a card, VLANs and the like name their kind, macvlans do not.
func (r Root) Beside(card string, hasAddress func(link string) bool) string {
	uppers, _ := artifact.Matching(r.Path("sys/class/net", card), "upper_*")
	for _, upper := range uppers {
		link := strings.TrimPrefix(filepath.Base(upper), "upper_")
		if !strings.Contains(r.Read("sys/class/net", link, "uevent"), "DEVTYPE=") && hasAddress(link) {
			return link
		}
	}
	return ""
}

// HostLink is the link that Beside finds on this host, or why nodes on the card are out of reach.
func (r Root) HostLink(card string) (string, error) {
	if link := r.Beside(card, hasIPv4); link != "" {
		return link, nil
	}
	return "", Alone(card)
}

// Alone is the error for a card that this host shares with guests and has no macvlan on.
func Alone(card string) error {
	return hint.Errorf(fmt.Sprintf("nmcli connection add type macvlan ifname coreos0 con-name coreos0 dev %s mode bridge ipv4.never-default yes ipv4.route-metric 50   # docs/host.md has it without NetworkManager", card),
		"direct=%s: macvtap keeps this host from its own guests: no ssh, no discovery=embedded, no look at etcd, unless it has a macvlan on that card", card)
}

func absent(path string) bool { _, err := os.Stat(path); return err != nil }
