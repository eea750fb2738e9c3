package setup

import (
	"net"
	"os/exec"
	"strings"
	"testing"

	"coreos-libvirt/internal/host/step"
	"coreos-libvirt/internal/testkit/testbed"
)

// TestNetwork has a real libvirt whose network is defined, and not more: the set-up starts it, also for the
// next boot, and undo stops it.
func TestNetwork(t *testing.T) {
	for _, program := range []string{"libvirtd", "virsh"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("there is no " + program)
		}
	}
	if !testbed.Inside(t, "nobody") {
		return
	}
	testbed.Write(t, "/run/net.xml", "<network><name>some</name><forward mode='nat'/><bridge name='virbr7' stp='off'/><ip address='10.79.0.1' netmask='255.255.255.0'><dhcp><range start='10.79.0.2' end='10.79.0.9'/></dhcp></ip></network>")
	testbed.Run(t, "sh", "-ec", `for folder in /var/lib/libvirt /etc/libvirt /var/log/libvirt; do mkdir -p $folder; mount -t tmpfs tmpfs $folder; done
printf 'auth_unix_rw = "none"\n' >/etc/libvirt/libvirtd.conf; getent passwd libvirt-qemu >/dev/null || useradd --system libvirt-qemu
libvirtd >/run/libvirtd.log 2>&1 &
for i in $(seq 60); do virsh -q -c qemu:///system net-define /run/net.xml 2>/run/define.log && exit; sleep 0.2; done; cat /run/*.log; exit 1`)
	m := step.Machine{Root: "/", Say: t.Logf}
	wanted := Wanted{Network: "some"}
	plan := func() []step.Planned {
		steps, err := network(t.Context(), wanted)
		if err != nil {
			t.Fatal(err)
		}
		return steps
	}
	steps := plan()
	if len(steps) != 1 || strings.Join(steps[0].Step.Commands(), "; ") != "virsh -q -c qemu:///system net-start some; virsh -q -c qemu:///system net-autostart some" {
		t.Fatalf("got %q", titles(steps))
	}
	if err := Apply(t.Context(), m, steps); err != nil {
		t.Fatal(err)
	}
	if now := (&Network{URI: systemURI, Name: "some"}).now(t.Context()); now["Active"] != "yes" || now["Autostart"] != "yes" {
		t.Errorf("got %v", now)
	}
	if got := testbed.Address("virbr7"); got != "10.79.0.1/24" {
		t.Errorf("virbr7 has %q", got)
	}
	if again := plan(); len(again) != 0 {
		t.Errorf("nothing lacks, and it plans %q", titles(again))
	}
	if err := Undo(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if now := (&Network{URI: systemURI, Name: "some"}).now(t.Context()); now["Active"] != "no" || now["Autostart"] != "no" {
		t.Errorf("got %v", now)
	}
	if _, err := net.InterfaceByName("virbr7"); err == nil {
		t.Error("virbr7 is still there")
	}
	for range 2 { // it was never begun, and the network is not there at all
		if err := (&Network{URI: systemURI, Name: "some"}).Undo(t.Context(), m); err != nil {
			t.Error(err)
		}
		_ = exec.Command("virsh", "-q", "-c", systemURI, "net-undefine", "some").Run()
	}
	if err := Apply(t.Context(), m, plan()); err == nil || !strings.Contains(err.Error(), "net-start some") {
		t.Errorf("no such network: got %v", err)
	}
	if steps, err := network(t.Context(), Wanted{Bridge: "br0"}); steps != nil || err != nil {
		t.Errorf("a bridge is wanted: got %q, %v", titles(steps), err)
	}
}
