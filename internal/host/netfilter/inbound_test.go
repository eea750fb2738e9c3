package netfilter

import (
	"strings"
	"testing"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/testkit/testbed"
)

// TestInbound has packet filters that let the nodes in to the host's discovery service, and that do not, real ones.
func TestInbound(t *testing.T) {
	if !testbed.Inside(t, "nobody") {
		return
	}
	const drop = "nft add table inet x; nft add chain inet x i '{ type filter hook input priority 0; policy drop; }'"
	const reject = "nft add table inet x; nft add chain inet x i '{ type filter hook input priority 0; }'; nft add rule inet x i ct state established accept; nft add rule inet x i reject"
	for rules, fault := range map[string]bool{
		"true":                     false,
		"iptables -P FORWARD DROP": false,
		"iptables -P INPUT DROP":   true,
		"iptables -P INPUT DROP; iptables -A INPUT -i br0 -j ACCEPT":                     false,
		"iptables -P INPUT DROP; iptables -A INPUT -p tcp --dport 40000:50000 -j ACCEPT": false,
		"iptables -P INPUT DROP; iptables -A INPUT -p tcp --dport 40000:41000 -j ACCEPT": true,
		"iptables -A INPUT -m conntrack --ctstate INVALID -j DROP":                       false,
		"iptables -A INPUT -p tcp --dport 22 -j ACCEPT; iptables -A INPUT -j REJECT":     true,
		drop: true, reject: true,
		drop + "; nft add chain inet x more; nft add rule inet x more tcp dport '{ 22, 40000-45000 }' counter accept; nft add rule inet x i jump more": false,
		drop + "; nft add rule inet x i iifname br0 accept": false,
	} {
		testbed.Run(t, "sh", "-ec", rules)
		found, err := Inbound(Rules(t.Context()), "br0", Ports{42000, 42000})
		if t.Logf("%s: %s, %v", rules, found, err); (err != nil) != fault || fault && !host.IsWarning(err) {
			t.Errorf("%s: want a fault: %t", rules, fault)
		}
		if rules == "iptables -P INPUT DROP" { // the remedy is one
			_, remedy, _ := strings.Cut(err.Error(), "\nhint: sudo ")
			testbed.Run(t, "sh", "-ec", remedy)
			found, err := Inbound(Rules(t.Context()), "br0", Ports{42000, 42000})
			expect(t, false, "port 42000 is open", found, err)
		}
		testbed.Run(t, "sh", "-c", "iptables -P FORWARD ACCEPT; iptables -P INPUT ACCEPT; iptables -F; nft flush ruleset")
	}
	if p := Ephemeral("/"); p.From < 1024 || p.To <= p.From {
		t.Errorf("got %s", p)
	}
}
