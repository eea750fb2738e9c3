package netfilter

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/testkit/testbed"
)

// expect compares what a check gives with a part of it; a fault must have one remedy.
func expect(t *testing.T, fault bool, want, found string, err error) {
	t.Helper()
	if err != nil {
		found = err.Error()
	}
	if (err != nil) != fault || !strings.Contains(found, want) || fault && strings.Count(found, "\nhint: ") != 1 {
		t.Errorf("want %q (a fault: %t), got %q", want, fault, found)
	}
}

func TestBridged(t *testing.T) {
	const b = "proc/sys/net/bridge/bridge-nf-call-"
	seen := host.Root(testbed.Tree(t, map[string]string{b + "iptables": "1\n", b + "ip6tables": "0\n", b + "arptables": "1\n"}))
	passed := host.Root(testbed.Tree(t, map[string]string{b + "iptables": "0\n"}))
	const head = "table inet x {\n\tset s {\n\t}\n\tchain f {\n\t\ttype filter hook forward priority filter; policy "
	for rules, fault := range map[string]bool{
		"-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n":                                  true,
		"-P FORWARD DROP\n-A FORWARD -i br0 -o br0 -j ACCEPT\n":                         false,
		"-P FORWARD DROP\n-A FORWARD -i br1 -o br1 -j ACCEPT\n":                         true,
		"-P FORWARD ACCEPT\n-A FORWARD -i br0 -j REJECT --reject-with x\n":              true,
		"-P FORWARD ACCEPT\n-A FORWARD -j REJECT\n-A FORWARD -i br0 -o br0 -j ACCEPT\n": true,
		"-P FORWARD ACCEPT\n":    false,
		head + "drop;\n\t}\n}\n": true,
		head + "accept;\n\t\tct state x accept\n\t\treject with icmpx admin-prohibited\n\t}\n}\n":                        true,
		head + "drop;\n\t\tiifname \"br0\" oifname \"br0\" counter packets 3 bytes 9 accept\n\t\tdrop\n\t}\n}\n":         false,
		head + "accept;\n\t}\n\tchain i {\n\t\ttype filter hook input priority filter; policy drop;\n\t\tdrop\n\t}\n}\n": false,
	} {
		found, err := Bridged(seen, rules, "br0")
		if want := "nothing there drops them"; fault {
			expect(t, true, "sysctl -w net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-arptables=0", found, err)
		} else {
			expect(t, false, want, found, err)
		}
		found, err = Bridged(passed, rules, "br0")
		expect(t, false, "pass it by", found, err)
	}
	found, err := Bridged(host.Root(testbed.Tree(t, nil)), "-P FORWARD DROP", "br0") // br_netfilter is not loaded
	expect(t, false, "pass it by", found, err)
	found, err = Bridged(passed, strings.Replace(head, "inet", "bridge", 1)+"drop;\n\t}\n}\n", "br0")
	expect(t, true, "hint: sudo nft 'insert rule bridge x f meta ibrname \"br0\" accept'", found, err)
	for _, counts := range []string{"", "counter packets 1 bytes 2 "} {
		found, err = Bridged(passed, strings.Replace(head, "inet", "bridge", 1)+"drop;\n\t\tmeta ibrname \"br0\" "+counts+"accept\n\t}\n}\n", "br0")
		expect(t, false, "pass it by", found, err)
	}
	found, err = Bridged(seen, "# ip6tables -w -S FORWARD\n-P FORWARD DROP\n", "br0") // which IPv4's switch does not hand over
	expect(t, false, "nothing there drops them", found, err)
	own := host.Root(testbed.Tree(t, map[string]string{b + "iptables": "0\n", "sys/class/net/br0/bridge/nf_call_ip6tables": "1\n"}))
	found, err = Bridged(own, "# iptables -w -S FORWARD\n-P FORWARD DROP\n", "br0")
	expect(t, false, "nothing there drops them", found, err)
	found, err = Bridged(own, "# ip6tables -w -S FORWARD\n-P FORWARD DROP\n", "br0")
	expect(t, true, "hint: sudo ip link set br0 type bridge nf_call_ip6tables 0", found, err)
}

// TestRulesUnseen is for an ordinary user, who may not see the rules: a warning, and a plainer one beside Docker.
func TestRulesUnseen(t *testing.T) {
	if !testbed.Inside(t, "nobody") {
		return
	}
	if os.Getuid() != 0 { // this is the process of that user
		found, err := Bridged("/", Rules(t.Context()), "br0")
		t.Logf("<%s> <%v> a warning: %t", found, err, host.IsWarning(err))
		return
	}
	for set, want := range map[string]string{
		"sysctl -qw net.bridge.bridge-nf-call-iptables=0":                                  "<bridged frames pass it by> <<nil>>",
		"sysctl -qw net.bridge.bridge-nf-call-iptables=1":                                  "they may drop the guests' DHCP",
		"sysctl -qw net.bridge.bridge-nf-call-iptables=1; ip link add docker0 type bridge": "guests will most likely get no DHCP",
	} {
		testbed.Run(t, "sh", "-ec", "ip link del docker0 2>/dev/null || true; "+set)
		out := testbed.AsUser(t)
		if fault := strings.Contains(want, "DHCP"); !strings.Contains(out, want) || strings.Contains(out, "a warning: true") != fault || strings.Contains(out, "hint: sudo env PATH=\"$PATH\" mage host:check>") != fault {
			t.Errorf("%s: want %s, got %s", set, want, out)
		}
	}
}

// TestRules has packet filters of each kind, real ones.
func TestRules(t *testing.T) {
	if !testbed.Inside(t, "nobody") {
		return
	}
	const drop = "{ type filter hook forward priority 0; policy drop; }"
	const chain = "nft add table bridge x; nft add chain bridge x f '" + drop + "'"
	for rules, fault := range map[string]bool{
		"true": false,
		"iptables -P FORWARD DROP; iptables -N DOCKER-USER; iptables -A FORWARD -j DOCKER-USER":                                     true,
		"iptables -P FORWARD DROP; iptables -I FORWARD -i br0 -o br0 -j ACCEPT":                                                     false,
		"iptables -P FORWARD DROP; iptables -I FORWARD -m physdev --physdev-is-bridged -j ACCEPT":                                   false,
		"iptables -A FORWARD -m conntrack --ctstate INVALID -j DROP":                                                                false,
		"sysctl -qw net.bridge.bridge-nf-call-ip6tables=1; ip6tables -A FORWARD -j REJECT":                                          true,
		"ip6tables -A FORWARD -j REJECT":                                                                                            false,
		"nft add table inet x; nft add chain inet x f '" + drop + "'":                                                               true,
		"nft add table inet x; nft add chain inet x f '" + drop + "'; nft add rule inet x f iifname br0 oifname br0 counter accept": false,
		chain: true,
	} {
		testbed.Run(t, "sh", "-ec", "sysctl -qw net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=0; "+rules)
		found, err := Bridged("/", Rules(t.Context()), "br0")
		if t.Logf("%s: %s, %v", rules, found, err); (err != nil) != fault {
			t.Errorf("%s: want a fault: %t", rules, fault)
		}
		if rules == chain { // the remedy is one
			_, remedy, _ := strings.Cut(err.Error(), "\nhint: sudo ")
			out, failed := exec.Command("sh", "-c", remedy).CombinedOutput()
			if _, err := Bridged("/", Rules(t.Context()), "br0"); err != nil && !strings.Contains(string(out), "Could not process rule: Operation not supported") { // a kernel without nft_meta_bridge
				t.Errorf("after %s: %v, %v\n%s", remedy, err, failed, out)
			}
		}
		testbed.Run(t, "sh", "-c", "iptables -P FORWARD ACCEPT; iptables -F; iptables -X; ip6tables -F; nft flush ruleset")
	}
}
