package setup

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/host/netfilter"
	"coreos-libvirt/internal/host/step"
	"coreos-libvirt/internal/testkit/testbed"
)

func titles(steps []step.Planned) string {
	all := []string{}
	for _, p := range steps {
		all = append(all, p.Title)
	}
	return strings.Join(all, "; ")
}

func TestFilterPlan(t *testing.T) {
	const now, at = "proc/sys/net/bridge/bridge-nf-call-", "/etc/modules-load.d/90-coreos-libvirt.conf; /etc/sysctl.d/90-coreos-libvirt.conf"
	for want, there := range map[string]map[string]string{
		"": {"etc/x": ""},
		at: {"usr/bin/dockerd": ""},
		at + "; net.bridge.bridge-nf-call-iptables=0":                                       {now + "iptables": "1\n", now + "ip6tables": "0\n"},
		"iptables: what stays on br0 is accepted; ip6tables: what stays on br0 is accepted": {now + "iptables": "1\n", "etc/sysctl.d/k8s.conf": "net.bridge.bridge-nf-call-iptables  = 1\n"},
	} {
		m := machineAt(t, there)
		steps, err := filter(t.Context(), m, Wanted{Bridge: "br0"})
		if err != nil || titles(steps) != want {
			t.Errorf("got %q, %v; want %q", titles(steps), err, want)
		}
		if steps, err := filter(t.Context(), m, Wanted{}); err != nil || steps != nil {
			t.Errorf("no bridge, and it plans %q, %v", titles(steps), err)
		}
	}
}

// docker makes what a Docker of before 28 leaves: bridged frames pass through a filter that drops.
const docker = `sysctl -qw net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1 net.bridge.bridge-nf-call-arptables=1
iptables -N DOCKER-USER; iptables -A DOCKER-USER -j RETURN; iptables -I FORWARD -j DOCKER-USER; iptables -P FORWARD DROP; ip6tables -P FORWARD DROP
mkdir -p /usr/lib/sysctl.d; rm -f /etc/sysctl.d/*.conf`

// kubernetes wants bridged frames filtered.
const kubernetes = "\necho net.bridge.bridge-nf-call-iptables=1 > /etc/sysctl.d/k8s.conf"

// nftables has a chain of its own that drops, as firewalld's: what iptables' rules accept, it drops still.
const nftables = kubernetes + "\nnft add table inet wall; nft add chain inet wall f '{ type filter hook forward priority 10; policy accept; }'; nft add rule inet wall f ct state invalid drop; nft add rule inet wall f reject"

// state is all that a set-up of the filter changes.
const state = "iptables-save | grep -v '^[#:]'; sysctl net.bridge; nft -s list table inet wall 2>/dev/null || true"

// TestDocker has Docker's rules beside the bridge, and then a file that wants frames filtered: a guest gets
// its lease only after the set-up, and after undo it does not.
func TestDocker(t *testing.T) {
	if !testbed.Inside(t, "nobody") {
		return
	}
	m := step.Machine{Root: "/", Rollback: patient, Say: t.Logf}
	testbed.Run(t, "sh", "-ec", "ip link add br0 type bridge; ip link set br0 up; ip link set eth0 master br0")
	for _, rules := range []string{docker, docker + kubernetes, docker + nftables} {
		testbed.Run(t, "sh", "-c", rules)
		before := testbed.Run(t, "sh", "-c", state)
		if found, err := netfilter.Bridged(m.Root, netfilter.Rules(t.Context()), "br0"); err == nil {
			t.Errorf("the check finds %s", found)
		}
		if address, err := testbed.Guest(t, "br0"); err == nil {
			t.Errorf("the guest has %s: the fault is none", address)
		}
		steps, err := filter(t.Context(), m, Wanted{Bridge: "br0"})
		if err != nil || len(steps) == 0 {
			t.Fatalf("got %q, %v", titles(steps), err)
		}
		if err := Apply(t.Context(), m, steps); err != nil {
			t.Fatal(err)
		}
		if found, err := netfilter.Bridged(m.Root, netfilter.Rules(t.Context()), "br0"); err != nil {
			t.Errorf("the check finds %s, %v", found, err)
		}
		if address, err := testbed.Guest(t, "br0"); err != nil || address == "" {
			t.Errorf("the guest has no lease: %v", err)
		}
		if again, err := filter(t.Context(), m, Wanted{Bridge: "br0"}); err != nil || len(again) != 0 {
			t.Errorf("nothing lacks, and it plans %q, %v", titles(again), err)
		}
		if err := Undo(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if after := testbed.Run(t, "sh", "-c", state); !reflect.DeepEqual(before, after) {
			t.Errorf("before\n%s\nafter\n%s", before, after)
		}
		if address, err := testbed.Guest(t, "br0"); err == nil {
			t.Errorf("undone, and the guest has %s", address)
		}
		testbed.Run(t, "sh", "-c", "iptables -F; iptables -X; ip6tables -F; nft delete table inet wall 2>/dev/null || true")
	}
}

// TestRulesAtBoot has the unit that makes the rules again: run twice, as beside the steps themselves, it makes each once.
func TestRulesAtBoot(t *testing.T) {
	if !testbed.Inside(t, "nobody") {
		return
	}
	testbed.Run(t, "sh", "-c", docker+nftables+"; mkdir -p /run/systemd/system")
	m := step.Machine{Root: "/", Say: t.Logf}
	before := testbed.Run(t, "sh", "-c", state)
	steps, err := filter(t.Context(), m, Wanted{Bridge: "br0"})
	if err != nil || titles(steps) != "iptables: what stays on br0 is accepted; ip6tables: what stays on br0 is accepted; nftables: what stays on br0 is accepted by inet wall f; "+
		"/etc/systemd/system/coreos-libvirt-bridge.service; coreos-libvirt-bridge.service enabled" {
		t.Fatalf("got %q, %v", titles(steps), err)
	}
	boot := []string{}
	for line := range strings.Lines(steps[3].Step.(*step.File).Text) {
		if quoted, is := strings.CutPrefix(strings.TrimSpace(line), "ExecStart=/bin/sh -c "); is {
			command, err := strconv.Unquote(quoted)
			if err != nil {
				t.Fatal(err)
			}
			boot = append(boot, command)
		}
	}
	if err := Apply(t.Context(), m, steps[:3]); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		testbed.Run(t, "sh", "-ec", strings.Join(boot, "\n"))
	}
	for list, want := range map[string]string{"iptables -S": "-A FORWARD -i br0 -o br0 -j ACCEPT", "ip6tables -S": "-A FORWARD -i br0 -o br0 -j ACCEPT", "nft list table inet wall": `iifname "br0" oifname "br0" accept comment "coreos-libvirt"`} {
		if rules := testbed.Run(t, "sh", "-c", list); strings.Count(rules, want) != 1 {
			t.Errorf("%s: got\n%s", list, rules)
		}
	}
	if err := Undo(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if after := testbed.Run(t, "sh", "-c", state); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	testbed.Run(t, "sh", "-ec", strings.Join(boot, "\n")) // and from nothing, as at boot
	if found, err := netfilter.Bridged(m.Root, netfilter.Rules(t.Context()), "br0"); err != nil {
		t.Errorf("after a boot: %s, %v", found, err)
	}
}

// patient is the rollback of what shall succeed: time enough on any machine.
const patient = 3 * time.Minute
