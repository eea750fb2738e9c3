package netfilter

import (
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/terminal/hint"
)

// Ports are the TCP ports from one to another.
type Ports struct{ From, To int }

func (p Ports) String() string {
	if p.From == p.To {
		return strconv.Itoa(p.From)
	}
	return fmt.Sprintf("%d-%d", p.From, p.To)
}

// Ephemeral are the ports of which the kernel gives one to a service that asks for any.
func Ephemeral(root host.Root) Ports {
	p := Ports{32768, 60999}
	_, _ = fmt.Sscan(root.Read("proc/sys/net/ipv4/ip_local_port_range"), &p.From, &p.To)
	return p
}

var (
	unconditional = regexp.MustCompile(`^(-A INPUT -j (DROP|REJECT)\b.*|(counter packets \d+ bytes \d+ )?(drop|reject)\b.*)$`)
	opened        = regexp.MustCompile(`(?i)\bdports? \{? ?([\d,:\- ]+) ?\}? .*accept\b`)
)

// Inbound makes sure that the host's packet filter lets the nodes in on the link, to the ports. It follows no jumps:
// what it finds is a reason to look.
func Inbound(rules, link string, ports Ports) (string, error) {
	drops := func(c Chain) bool {
		return (c.Family == "ip" || c.Family == "inet") && (c.drops || slices.ContainsFunc(c.rules, unconditional.MatchString))
	}
	dropping := slices.DeleteFunc(chains(rules, "input"), func(c Chain) bool { return !drops(c) })
	if len(dropping) == 0 {
		return "nothing drops what comes in", nil
	}
	if open(rules, link, ports) {
		return "port " + ports.String() + " is open", nil
	}
	return "", host.Warn(hint.Errorf(openWith(link, ports), "the packet filter drops what comes in (%s) and names no port %s: nodes may not reach this host's discovery=embedded", dropping[0].Name, ports))
}

// open reports whether a rule, in whatever chain, accepts the ports, or all that comes in on the link.
func open(rules, link string, ports Ports) bool {
	name := regexp.QuoteMeta(link)
	all := regexp.MustCompile(`^(-A INPUT -i ` + name + ` -j ACCEPT|iifname "` + name + `" (counter packets \d+ bytes \d+ )?accept)$`)
	for line := range strings.Lines(rules) {
		line = strings.TrimSpace(line)
		if all.MatchString(line) {
			return true
		}
		found := opened.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		for _, span := range strings.Split(found[1], ",") {
			from, to, isSpan := strings.Cut(strings.ReplaceAll(strings.TrimSpace(span), ":", "-"), "-")
			if !isSpan {
				to = from
			}
			low, _ := strconv.Atoi(from)
			if high, err := strconv.Atoi(to); err == nil && low <= ports.From && ports.To <= high {
				return true
			}
		}
	}
	return false
}

// openWith is the command that opens the ports, by whoever has the packet filter.
func openWith(link string, ports Ports) string {
	if exec.Command("firewall-cmd", "--state").Run() == nil {
		zone, _ := exec.Command("firewall-cmd", "--get-zone-of-interface="+link).Output()
		command := "sudo firewall-cmd --add-port=" + ports.String() + "/tcp"
		if name := strings.TrimSpace(string(zone)); name != "" {
			command += " --zone=" + name
		}
		return command + "   # and with --permanent"
	}
	if exec.Command("ufw", "version").Run() == nil {
		return "sudo ufw allow in on " + link + " to any port " + strings.Replace(ports.String(), "-", ":", 1) + " proto tcp"
	}
	return fmt.Sprintf("sudo iptables -I INPUT -i %s -p tcp --dport %s -j ACCEPT", link, strings.Replace(ports.String(), "-", ":", 1))
}
