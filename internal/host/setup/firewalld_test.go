package setup

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/host/netfilter"
	"coreos-libvirt/internal/host/step"
	"coreos-libvirt/internal/testkit/testbed"
)

// TestFirewalld has a real firewalld, and a file of sysctls that wants bridged frames filtered: a guest gets its lease
// only after the set-up, also when firewalld was reloaded, and after undo it does not.
func TestFirewalld(t *testing.T) {
	if _, err := exec.LookPath("firewalld"); err != nil {
		t.Skip("there is no firewalld")
	}
	if !testbed.Inside(t, "nobody") {
		return
	}
	testbed.Run(t, "sh", "-ec", "ip link add br0 type bridge; ip link set br0 up; ip link set eth0 master br0; mkdir -p /usr/lib/sysctl.d; rm -f /etc/sysctl.d/*.conf"+kubernetes+
		"; sysctl -qw net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1; firewalld --nofork --nopid >/run/firewalld.log 2>&1 &")
	testbed.Await(t, 30*time.Second, func() error { return exec.Command("firewall-cmd", "--state").Run() })
	m := step.Machine{Root: "/", Rollback: patient, Say: t.Logf}
	dropped := func(when string, fault bool) {
		t.Helper()
		if found, err := netfilter.Bridged(m.Root, netfilter.Rules(t.Context()), "br0"); (err != nil) != fault {
			t.Errorf("%s: the check finds %s, %v", when, found, err)
		}
		if address, err := testbed.Guest(t, "br0"); (err != nil) != fault {
			t.Errorf("%s: the guest has %q, %v", when, address, err)
		}
	}
	state := func() string {
		return testbed.Run(t, "sh", "-c", "firewall-cmd --permanent --list-all-zones; firewall-cmd --list-all-zones; iptables -S FORWARD")
	}
	before := state()
	dropped("before", true)
	steps, err := filter(t.Context(), m, Wanted{Bridge: "br0"})
	if err != nil || !strings.HasSuffix(titles(steps), "; firewalld: br0 in the zone public, which forwards within itself") {
		t.Fatalf("got %q, %v", titles(steps), err)
	}
	if err := Apply(t.Context(), m, steps); err != nil {
		t.Fatal(err)
	}
	dropped("set up", false)
	testbed.Run(t, "firewall-cmd", "--reload")
	dropped("reloaded", false)
	if err := Undo(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if after := state(); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	dropped("undone", true)
	if found, err := netfilter.Inbound(netfilter.Rules(t.Context()), "br0", netfilter.Ports{From: 40000, To: 40000}); err == nil || !strings.Contains(err.Error(), "\nhint: sudo firewall-cmd --add-port=40000/tcp   # and with --permanent") {
		t.Errorf("the port of discovery: got %s, %v", found, err)
	}
	testbed.Run(t, "firewall-cmd", "--add-port=40000/tcp")
	if found, err := netfilter.Inbound(netfilter.Rules(t.Context()), "br0", netfilter.Ports{From: 40000, To: 40000}); err != nil {
		t.Errorf("the port of discovery is open: got %s, %v", found, err)
	}
}
