package setup

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strings"

	"coreos-libvirt/internal/host/netfilter"
	"coreos-libvirt/internal/host/step"
)

// ChainRule is a rule at the top of somebody's chain of nftables that accepts what stays on the bridge. A table of our
// own would not do: there, to accept is not final, and the chain that drops would still see the frame (nft(8),
// "verdict statements").
type ChainRule struct {
	Family string `json:"family"`
	Table  string `json:"table"`
	Chain  string `json:"chain"`
	Accept string `json:"accept"`
}

// mark is the comment by which undo, and a boot, know the rule.
const mark = "coreos-libvirt"

func (r *ChainRule) chain() string { return r.Family + " " + r.Table + " " + r.Chain }

// Commands would insert it.
func (r *ChainRule) Commands() []string {
	return []string{step.Line("nft", fmt.Sprintf("insert rule %s %s comment \"%s\"", r.chain(), r.Accept, mark))}
}

// Do inserts it, once.
func (r *ChainRule) Do(ctx context.Context, _ step.Machine) error {
	return step.Run(ctx, "sh", "-c", r.once())
}

// once is a command that inserts it where it is not there.
func (r *ChainRule) once() string {
	return step.Line("nft", "list", "chain", r.Family, r.Table, r.Chain) + " | " + step.Line("grep", "-qF", r.Accept+` comment "`+mark+`"`) + " || " + r.Commands()[0]
}

// Undo deletes it, and all others with the mark in that chain.
func (r *ChainRule) Undo(ctx context.Context, _ step.Machine) error {
	out, err := exec.CommandContext(ctx, "nft", "-a", "list", "chain", r.Family, r.Table, r.Chain).Output()
	if err != nil {
		return nil // the chain is gone, or nft
	}
	marked := regexp.MustCompile(regexp.QuoteMeta(r.Accept+` comment "`+mark+`"`) + ` # handle (\d+)`)
	for _, found := range marked.FindAllStringSubmatch(string(out), -1) {
		if err := step.Run(ctx, "nft", "delete", "rule", r.Family, r.Table, r.Chain, "handle", found[1]); err != nil {
			return err
		}
	}
	return nil
}

// chainRules plans a rule for each chain of nftables that would drop what the bridge carries, for firewalld's a zone, with
// the switches as they are to be: off or, where somebody wants them, on.
func chainRules(ctx context.Context, m step.Machine, bridge string, on bool) []step.Planned {
	steps := []step.Planned{}
	for _, c := range netfilter.Dropping(m.Root, netfilter.Rules(ctx), bridge) {
		if c.Table == "" || c.Family != "bridge" && !on {
			continue // that is iptables', or switched off
		}
		const why = "this chain drops what bridges carry"
		if c.Table == "firewalld" && step.Succeeds(ctx, firewallCmd, "--state") {
			z := zone(ctx, bridge)
			steps = append(steps, step.Planned{Title: "firewalld: " + bridge + " in the zone " + z.Zone + ", which forwards within itself", Why: why, Step: z})
			continue
		}
		r := &ChainRule{c.Family, c.Table, c.Name, c.Accept(bridge)}
		steps = append(steps, step.Planned{Title: "nftables: what stays on " + bridge + " is accepted by " + strings.TrimSpace(r.chain()), Why: why, Step: r})
	}
	return steps
}
