package setup

import (
	"context"
	"os/exec"
	"regexp"
	"strings"

	"coreos-libvirt/internal/host/step"
)

// Network is a network of libvirt's own that runs, also after each boot.
type Network struct {
	URI       string `json:"uri"`
	Name      string `json:"name"`
	Active    bool   `json:"active"`    // before
	Autostart bool   `json:"autostart"` // before
}

const (
	systemURI  = "qemu:///system"
	sessionURI = "qemu:///session"
)

func (n *Network) virsh(words ...string) []string {
	return append([]string{"virsh", "-q", "-c", n.URI}, append(words, n.Name)...)
}

// Commands would do it.
func (n *Network) Commands() []string {
	all := []string{}
	if !n.Active {
		all = append(all, strings.Join(n.virsh("net-start"), " "))
	}
	if !n.Autostart {
		all = append(all, strings.Join(n.virsh("net-autostart"), " "))
	}
	return all
}

// Do starts it. What a package brought meanwhile may run already.
func (n *Network) Do(ctx context.Context, _ step.Machine) error {
	if now := n.now(ctx); now["Active"] != "yes" {
		if err := step.Run(ctx, n.virsh("net-start")...); err != nil {
			return err
		}
	}
	return step.Run(ctx, n.virsh("net-autostart")...)
}

// Undo stops it as far as it was stopped before.
func (n *Network) Undo(ctx context.Context, _ step.Machine) error {
	now := n.now(ctx)
	if now["Active"] == "yes" && !n.Active {
		if err := step.Run(ctx, n.virsh("net-destroy")...); err != nil {
			return err
		}
	}
	if now["Autostart"] == "yes" && !n.Autostart {
		return step.Run(ctx, n.virsh("net-autostart", "--disable")...)
	}
	return nil
}

var info = regexp.MustCompile(`(?m)^(\w+): +(\S+)$`)

// now is what virsh tells of the network, by virsh's words; nothing where there is no virsh, libvirt or network.
func (n *Network) now(ctx context.Context) map[string]string {
	cmd := exec.CommandContext(ctx, "env", append([]string{"LC_ALL=C"}, n.virsh("net-info")...)...)
	out, _ := cmd.Output()
	found := map[string]string{}
	for _, pair := range info.FindAllStringSubmatch(string(out), -1) {
		found[pair[1]] = pair[2]
	}
	return found
}

// network plans a network of libvirt's that does not run, or will not after a boot.
func network(ctx context.Context, w Wanted) ([]step.Planned, error) {
	if w.Network == "" {
		return nil, nil
	}
	n := &Network{URI: systemURI, Name: w.Network}
	if w.Session {
		n.URI = sessionURI
	}
	now := n.now(ctx)
	if n.Active, n.Autostart = now["Active"] == "yes", now["Autostart"] == "yes"; n.Active && n.Autostart {
		return nil, nil
	}
	return []step.Planned{{Title: "network " + n.Name + " of libvirt", Why: "the nodes are behind this host, with addresses from libvirt's own DHCP server", Step: n}}, nil
}
