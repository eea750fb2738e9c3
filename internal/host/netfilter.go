package host

import (
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/bitfield/script"

	"coreos-libvirt/internal/hint"
)

// Rules are the host's rules for what it forwards, as its programs show them to root: those of iptables, whichever
// it is, and the whole of nftables, where firewalld's and iptables' newer form are, too.
func Rules(ctx context.Context) string {
	all := ""
	for _, list := range []string{"iptables -S FORWARD", "ip6tables -S FORWARD", "nft list ruleset"} {
		if text, err := script.WithContext(ctx).WithStderr(io.Discard).Exec(list).String(); err == nil {
			all += text
		}
	}
	return all
}

// chain is a base chain that sees what is forwarded.
type chain struct {
	family string // ip, inet and the like, or bridge
	name   string
	drops  bool // by policy
	rules  []string
}

var (
	tableLine  = regexp.MustCompile(`^table (\w+) (\S+) \{$`)
	chainLine  = regexp.MustCompile(`^chain (\S+) \{$`)
	hookLine   = regexp.MustCompile(`^type filter hook forward .*policy (\w+);$`)
	policyLine = regexp.MustCompile(`^-P FORWARD (\w+)$`)
	dropRule   = regexp.MustCompile(`^-A FORWARD .*-j (DROP|REJECT)\b|^([^-].* )?(drop|reject)\b`)
)

// forwarding are the chains that see what is forwarded, in nftables' words and in iptables'.
func forwarding(rules string) []chain {
	chains := []chain{}
	at := chain{}
	in := false // whether the line is of the last of chains
	for line := range strings.Lines(rules) {
		line = strings.TrimSpace(line)
		if found := tableLine.FindStringSubmatch(line); found != nil {
			at, in = chain{family: found[1]}, false
		} else if found := chainLine.FindStringSubmatch(line); found != nil {
			at.name, in = found[1], false
		} else if found := hookLine.FindStringSubmatch(line); found != nil {
			chains, in = append(chains, chain{family: at.family, name: at.name, drops: found[1] == "drop"}), true
		} else if found := policyLine.FindStringSubmatch(line); found != nil {
			chains, in = append(chains, chain{family: "ip", name: "FORWARD", drops: found[1] == "DROP"}), true
		} else if line == "}" {
			in = false
		} else if in {
			last := &chains[len(chains)-1]
			last.rules = append(last.rules, line)
		}
	}
	return chains
}

// dropsOn tells whether the chain drops what stays on the bridge, as far as its own rules tell: the first that
// accepts all of it or drops anything counts, then the policy.
func (c chain) dropsOn(bridge string) bool {
	name := regexp.QuoteMeta(bridge)
	accepts := regexp.MustCompile(`^(-A FORWARD -i ` + name + ` -o ` + name + ` -j ACCEPT|iifname "` + name + `" oifname "` + name + `" (counter packets \d+ bytes \d+ )?accept)$`)
	for _, rule := range c.rules {
		if accepts.MatchString(rule) {
			return false
		}
		if dropRule.MatchString(rule) {
			return true
		}
	}
	return c.drops
}

// Netfilter makes sure that the host's packet filter does not drop what the bridge carries, as Docker's
// does where bridged frames pass through it. nftables' own chains of the family bridge always see them.
func (r Root) Netfilter(rules, bridge string) (string, error) {
	on := []string{}
	for _, key := range []string{"bridge-nf-call-iptables", "bridge-nf-call-ip6tables", "bridge-nf-call-arptables"} {
		if r.read("proc/sys/net/bridge", key) == "1" {
			on = append(on, "net.bridge."+key)
		}
	}
	for _, c := range forwarding(rules) {
		switch {
		case !c.dropsOn(bridge):
		case c.family == "bridge":
			return "", hint.Errorf(fmt.Sprintf("nft insert rule bridge %s meta ibrname %s accept   # and the same where that table is made", c.name, bridge),
				"the chain %s of nftables' family bridge drops what bridges carry: guests get no DHCP", c.name)
		case len(on) > 0:
			return "", hint.Errorf("mage host:setup apply=true   # or: sysctl -w "+strings.Join(on, "=0 ")+"=0",
				"the packet filter sees what bridges carry (%s), and drops what it forwards (%s): guests get no DHCP", strings.Join(on, ", "), c.name)
		}
	}
	switch {
	case len(on) == 0:
		return "bridged frames pass it by", nil
	case rules == "" && os.Getuid() != 0:
		return "bridged frames pass through it; only root sees its rules", nil
	}
	return "bridged frames pass through it, and nothing there drops them", nil
}
