// Package netfilter finds what the packet filter of the host drops: what bridges carry, and what nodes send to the host.
package netfilter

import (
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/bitfield/script"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/terminal/hint"
)

// Rules are the host's rules for what it forwards and takes in, as its programs show them to root, each behind the program's name:
// those of iptables, whichever it is, and the whole of nftables, where firewalld's and iptables' newer form are, too.
func Rules(ctx context.Context) string {
	all := ""
	for _, list := range []string{"iptables -w -S FORWARD", "ip6tables -w -S FORWARD", "iptables -w -S INPUT", "nft list ruleset"} {
		if text, err := script.WithContext(ctx).WithStderr(io.Discard).Exec(list).String(); err == nil && text != "" {
			all += "# " + list + "\n" + text
		}
	}
	return all
}

// Chain is a base chain that sees what is forwarded.
type Chain struct {
	Family string // nftables': ip, ip6, inet, or bridge
	Table  string // empty for iptables' own
	Name   string
	drops  bool // by policy
	rules  []string
}

var (
	programLine = regexp.MustCompile(`^# (ip6?)tables `)
	tableLine   = regexp.MustCompile(`^table (\w+) (\S+) \{$`)
	chainLine   = regexp.MustCompile(`^chain (\S+) \{$`)
	hookLine    = regexp.MustCompile(`^type filter hook (\w+) .*policy (\w+);$`)
	policyLine  = regexp.MustCompile(`^-P (\w+) (\w+)$`)
	dropRule    = regexp.MustCompile(`^-A FORWARD .*-j (DROP|REJECT)\b|^([^-].* )?(drop|reject)\b`)
	invalid     = regexp.MustCompile(`(?i)state invalid`) // what is no connection's is dropped by many, and harms nobody
)

// chains are the base chains of the hook, in nftables' words and in iptables'.
func chains(rules, hook string) []Chain {
	all := []Chain{}
	at, program := Chain{}, "ip"
	in := false // whether the line is of the last of all
	begin := func(c Chain, of, policy string) {
		if in = strings.EqualFold(of, hook); in {
			c.drops = strings.EqualFold(policy, "drop")
			all = append(all, c)
		}
	}
	for line := range strings.Lines(rules) {
		line = strings.TrimSpace(line)
		if found := programLine.FindStringSubmatch(line); found != nil {
			program, in = found[1], false
		} else if found := tableLine.FindStringSubmatch(line); found != nil {
			at, in = Chain{Family: found[1], Table: found[2]}, false
		} else if found := chainLine.FindStringSubmatch(line); found != nil {
			at.Name, in = found[1], false
		} else if found := hookLine.FindStringSubmatch(line); found != nil {
			begin(at, found[1], found[2])
		} else if found := policyLine.FindStringSubmatch(line); found != nil {
			begin(Chain{Family: program, Name: found[1]}, found[1], found[2])
		} else if line == "}" {
			in = false
		} else if in {
			last := &all[len(all)-1]
			last.rules = append(last.rules, line)
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(c Chain) bool { return c.Table != "" && slices.ContainsFunc(all, c.shows) })
}

// shows reports whether program, a chain as iptables tells it, is c as nftables does, which has fewer words for it.
func (c Chain) shows(program Chain) bool {
	return program.Table == "" && c.Table == "filter" && c.Family == program.Family && c.Name == program.Name && c.drops == program.drops && len(c.rules) == len(program.rules)
}

// Accept is the rule, in nftables' words, that accepts what stays on the bridge.
func (c Chain) Accept(bridge string) string {
	if c.Family == "bridge" {
		return fmt.Sprintf("meta ibrname %q accept", bridge)
	}
	return fmt.Sprintf("iifname %q oifname %q accept", bridge, bridge)
}

// accepts finds a rule that accepts all that stays on the bridge.
func (c Chain) accepts(bridge string) *regexp.Regexp {
	name := regexp.QuoteMeta(bridge)
	words := strings.TrimSuffix(regexp.QuoteMeta(c.Accept(bridge)), "accept")
	return regexp.MustCompile(`^(-A FORWARD (-i ` + name + ` -o ` + name + `|-m physdev --physdev-is-bridged) -j ACCEPT|` + words + `(counter packets \d+ bytes \d+ )?accept( comment .*)?)$`)
}

// dropsOn reports whether the chain drops what stays on the bridge, as far as its own rules tell: the first that
// accepts all of it or drops anything counts, then the policy.
func (c Chain) dropsOn(bridge string) bool {
	accepts := c.accepts(bridge)
	for _, rule := range c.rules {
		if accepts.MatchString(rule) {
			return false
		}
		if dropRule.MatchString(rule) && !invalid.MatchString(rule) {
			return true
		}
	}
	return c.drops
}

// handed are the kernel's switches that are on by which a bridge's frames pass through the packet filter of IP, for
// all bridges, or this one alone. What they hand over: IPv4, IPv6, ARP.
func handed(root host.Root, bridge string) (keys []string, own bool) {
	for _, program := range []string{"iptables", "ip6tables", "arptables"} {
		if root.Read("proc/sys/net/bridge", "bridge-nf-call-"+program) == "1" {
			keys = append(keys, "net.bridge.bridge-nf-call-"+program)
		} else if root.Read("sys/class/net", bridge, "bridge/nf_call_"+program) == "1" {
			keys, own = append(keys, "nf_call_"+program), true
		}
	}
	return keys, own
}

// sees reports whether the chain sees the frames that the switches hand over. nftables' family bridge always does.
func (c Chain) sees(keys []string) bool {
	has := func(program string) bool {
		return slices.ContainsFunc(keys, func(key string) bool {
			return strings.HasSuffix(key, "call-"+program) || strings.HasSuffix(key, "call_"+program)
		})
	}
	switch c.Family {
	case "ip":
		return has("iptables")
	case "ip6":
		return has("ip6tables")
	case "inet":
		return has("iptables") || has("ip6tables")
	}
	return c.Family == "bridge"
}

// Dropping are the chains that drop what the bridge carries.
func Dropping(root host.Root, rules, bridge string) []Chain {
	keys, _ := handed(root, bridge)
	zoned := strings.Contains(rules, "\n\t\toifname \""+bridge+"\" accept\n") // within a zone of firewalld's, behind jumps
	return slices.DeleteFunc(chains(rules, "forward"), func(c Chain) bool {
		return !c.sees(keys) || !c.dropsOn(bridge) || c.Table == "firewalld" && zoned
	})
}

// Bridged makes sure that the host's packet filter does not drop what the bridge carries, as Docker's
// does where bridged frames pass through it.
func Bridged(root host.Root, rules, bridge string) (string, error) {
	on, _ := handed(root, bridge)
	if all := Dropping(root, rules, bridge); len(all) > 0 && all[0].Family == "bridge" {
		c := all[0]
		return "", hint.Errorf(fmt.Sprintf("sudo nft 'insert rule bridge %s %s %s'   # and the same where that table is made", c.Table, c.Name, c.Accept(bridge)),
			"the chain %s of nftables' family bridge drops what bridges carry: guests get no DHCP", c.Name)
	} else if len(all) > 0 {
		return "", hint.Errorf(off(root, bridge), "the packet filter sees what bridges carry (%s), and drops what it forwards (%s): guests get no DHCP", strings.Join(on, ", "), all[0].Name)
	}
	switch {
	case len(on) == 0:
		return "bridged frames pass it by", nil
	case rules == "" && os.Getuid() != 0:
		return "", unseen(root, on)
	}
	return "bridged frames pass through it, and nothing there drops them", nil
}

// off is the remedy: what hands the bridge's frames over is switched off.
func off(root host.Root, bridge string) string {
	on, own := handed(root, bridge)
	if own {
		on = slices.DeleteFunc(on, func(key string) bool { return strings.HasPrefix(key, "net.") })
		return fmt.Sprintf("sudo ip link set %s type bridge %s 0", bridge, strings.Join(on, " 0 "))
	}
	return host.Sudo("mage host:setup bridge="+bridge+" apply=true") + "   # or: sudo sysctl -w " + strings.Join(on, "=0 ") + "=0"
}

// unseen is the warning for who may not see the rules. Docker, whose bridge tells of it, has rules that drop.
func unseen(root host.Root, on []string) error {
	advice, what := host.Sudo("mage host:check"), "bridged frames pass through it ("+strings.Join(on, ", ")+"), and only root sees its rules"
	if _, err := os.Stat(root.Path("sys/class/net/docker0")); err == nil {
		return host.Warn(hint.Errorf(advice, "%s; Docker is here, whose rules drop what they forward: guests will most likely get no DHCP", what))
	}
	return host.Warn(hint.Errorf(advice, "%s: they may drop the guests' DHCP", what))
}
