package setup

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// ifupdown plans the bridge by a change of Debian's /etc/network/interfaces, or nothing where that does not
// have the card. ifup makes bridges with bridge-utils.
func (m Machine) ifupdown(ctx context.Context, bridge, nic string) ([]Planned, error) {
	if _, err := exec.LookPath("ifup"); err != nil {
		return nil, nil
	}
	card, err := net.InterfaceByName(nic)
	if err != nil {
		return nil, err
	}
	path := m.interfacesOf(nic)
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(m.path(path))
	if err != nil {
		return nil, err
	}
	file, err := m.file(path, interfaces(string(text), bridge, nic, card.HardwareAddr.String()))
	if err != nil || file == nil {
		return nil, err
	}
	steps := []Planned{}
	if packages, err := lacking(ctx, "apt", []string{"bridge-utils"}); err != nil {
		return nil, err
	} else if packages != nil {
		steps = append(steps, Planned{"packages bridge-utils", "ifup makes bridges with it", packages})
	}
	b := &FilesBridge{
		Name: bridge, NIC: nic, Files: []*File{file},
		Down: []string{"ifdown " + nic}, Up: []string{"ifup " + nic + " " + bridge},
		Back:  []string{"ifdown --force " + bridge + " " + nic, "ip link delete " + bridge + " 2>/dev/null || true"},
		Again: []string{"ifup --force " + nic},
	}
	return append(steps, Planned{"bridge " + bridge + " over " + nic + ", by ifupdown", why(nic), b}), nil
}

// interfacesOf is the file that has the card, or empty.
func (m Machine) interfacesOf(nic string) string {
	stanza := regexp.MustCompile(`(?m)^\s*iface\s+` + regexp.QuoteMeta(nic) + `\s+inet6?\s`)
	more, _ := filepath.Glob(m.path("etc/network/interfaces.d/*"))
	for _, path := range append([]string{m.path("etc/network/interfaces")}, more...) {
		if text, err := os.ReadFile(path); err == nil && stanza.Match(text) {
			relative, _ := filepath.Rel(string(m.Root), path)
			return relative
		}
	}
	return ""
}

// interfaces is the file with the card's settings given to the bridge, and the card as its port.
func interfaces(text, bridge, nic, mac string) string {
	name := regexp.QuoteMeta(nic)
	brought := regexp.MustCompile(`^(\s*)(auto|allow-\S+)((?:\s+\S+)*?)\s+` + name + `((?:\s+\S+)*\s*)$`)
	stanza := regexp.MustCompile(`^(\s*iface\s+)` + name + `(\s+inet6?\s.*)$`)
	port := fmt.Sprintf("\n    bridge_ports %s\n    bridge_hw %s\n    bridge_stp off\n    bridge_fd 0", nic, mac)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if found := brought.FindStringSubmatch(line); found != nil {
			lines[i] = found[1] + "auto" + found[3] + " " + bridge + found[4]
		}
		if found := stanza.FindStringSubmatch(line); found != nil {
			lines[i] = found[1] + bridge + found[2] + port
			if port != "" {
				lines[i] = "iface " + nic + " inet manual\n\n" + lines[i]
			}
			port = "" // once, also where inet and inet6 have a stanza each
		}
	}
	return strings.Join(lines, "\n")
}
