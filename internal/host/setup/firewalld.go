package setup

import (
	"context"
	"os/exec"
	"strings"

	"coreos-libvirt/internal/host/step"
)

// Zone is a bridge's place in a zone of firewalld's that forwards within itself: a bridge of no zone is dropped. It is
// the zone that the bridge is in anyway, so nothing more gets in. Unlike a rule in firewalld's chains, that outlives a
// reload; its direct rules are iptables', which do not keep its own chains from dropping.
type Zone struct {
	Bridge  string `json:"bridge"`
	Zone    string `json:"zone"`
	Forward bool   `json:"forward"` // before
}

const firewallCmd = "firewall-cmd"

// commands are those that add, or remove, now and for the next boot.
func (z *Zone) commands(verb string) [][]string {
	all := [][]string{}
	for _, when := range [][]string{{firewallCmd}, {firewallCmd, "--permanent"}} {
		all = append(all, append(when[:len(when):len(when)], "--zone="+z.Zone, "--"+verb+"-interface="+z.Bridge))
		if !z.Forward {
			all = append(all, append(when[:len(when):len(when)], "--zone="+z.Zone, "--"+verb+"-forward"))
		}
	}
	return all
}

// Commands would do it.
func (z *Zone) Commands() []string {
	all := []string{}
	for _, argv := range z.commands("add") {
		all = append(all, step.Line(argv...))
	}
	return all
}

// Do does it. What is so already firewalld takes for done.
func (z *Zone) Do(ctx context.Context, _ step.Machine) error {
	for _, argv := range z.commands("add") {
		if err := step.Run(ctx, argv...); err != nil {
			return err
		}
	}
	return nil
}

// Undo takes out what is there of it.
func (z *Zone) Undo(ctx context.Context, _ step.Machine) error {
	add, remove := z.commands("query"), z.commands("remove")
	for i, query := range add {
		if !step.Succeeds(ctx, query...) {
			continue // it is not there, or firewalld is gone
		}
		if err := step.Run(ctx, remove[i]...); err != nil {
			return err
		}
	}
	return nil
}

// zone plans the bridge's place: the zone that firewalld has it in, by name or by default.
func zone(ctx context.Context, bridge string) *Zone {
	z := &Zone{Bridge: bridge}
	for _, ask := range []string{"--get-zone-of-interface=" + bridge, "--get-default-zone"} {
		if out, err := exec.CommandContext(ctx, firewallCmd, ask).Output(); err == nil && z.Zone == "" {
			z.Zone = strings.TrimSpace(string(out))
		}
	}
	z.Forward = step.Succeeds(ctx, firewallCmd, "--zone="+z.Zone, "--query-forward")
	return z
}
