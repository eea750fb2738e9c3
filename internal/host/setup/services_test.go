package setup

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/host/step"
	"coreos-libvirt/internal/testkit/testbed"
)

// fakeSystemctl stands for systemd, which no namespace of these tests has as its first process: units are files, and
// enabled and active are what it was told.
const fakeSystemctl = `#!/bin/sh
units=/run/units
for unit; do :; done
case $1 in
cat) [ -e $units/$unit ] ;;
is-enabled) [ -e $units/$unit.enabled ] ;;
is-active) [ -e $units/$unit.active ] ;;
enable) [ "$2" = --now ] && [ -e $units/$unit ] && touch $units/$unit.enabled $units/$unit.active ;;
stop) rm $units/$unit.active ;;
disable) rm $units/$unit.enabled ;;
*) exit 2 ;;
esac
`

// TestServices has units in each state that they may be in before: undo brings exactly that back.
func TestServices(t *testing.T) {
	if !testbed.Inside(t, "nobody") {
		return
	}
	testbed.Write(t, "/usr/local/sbin/systemctl", fakeSystemctl)
	testbed.Run(t, "sh", "-ec", "chmod 755 /usr/local/sbin/systemctl; mkdir /run/units; cd /run/units; touch a.socket b.socket b.socket.enabled c.socket c.socket.active d.socket d.socket.enabled d.socket.active")
	m := step.Machine{Root: "/", Say: t.Logf}
	f := family{units: []string{"a.socket", "b.socket", "c.socket", "d.socket"}}
	if steps := services(t.Context(), m, f); steps != nil {
		t.Errorf("there is no systemd, and it plans %q", titles(steps))
	}
	testbed.Run(t, "mkdir", "-p", "/run/systemd/system")
	before := testbed.Run(t, "ls", "/run/units")
	steps := services(t.Context(), m, f)
	if titles(steps) != "service a.socket; service b.socket; service c.socket" || steps[0].Step.Commands()[0] != "systemctl enable --now a.socket" {
		t.Fatalf("got %q", titles(steps))
	}
	if err := Apply(t.Context(), m, steps); err != nil {
		t.Fatal(err)
	}
	if again := services(t.Context(), m, f); len(again) != 0 {
		t.Errorf("nothing lacks, and it plans %q", titles(again))
	}
	if err := Undo(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if after := testbed.Run(t, "ls", "/run/units"); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	if err := (&Service{Unit: "gone.socket"}).Undo(t.Context(), m); err != nil { // its package was removed
		t.Error(err)
	}
	if err := (&Service{Unit: "gone.socket"}).Do(t.Context(), m); err == nil || !strings.Contains(err.Error(), "gone.socket") {
		t.Errorf("got %v", err)
	}
	testbed.Run(t, "touch", "/run/units/virtqemud.socket.active") // libvirt in its other form
	if steps := services(t.Context(), m, f); steps != nil {
		t.Errorf("libvirt is there in its other form, and it plans %q", titles(steps))
	}
}

// TestGroup has a user who becomes a member, in databases of its own.
func TestGroup(t *testing.T) {
	if _, err := exec.LookPath("usermod"); err != nil {
		t.Skip("there is no usermod")
	}
	if !testbed.Inside(t, "nobody") {
		return
	}
	testbed.Run(t, "sh", "-ec", "groupadd --force libvirt; useradd somebody")
	before, err := os.ReadFile("/etc/group")
	if err != nil {
		t.Fatal(err)
	}
	m := step.Machine{Root: "/", Say: t.Logf}
	steps := groups(Wanted{User: "somebody"})
	if err := Apply(t.Context(), m, steps); err != nil || len(steps) != 1 || !host.Member("somebody", "libvirt") {
		t.Fatalf("got %q, %v", titles(steps), err)
	}
	if again := groups(Wanted{User: "somebody"}); len(again) != 0 {
		t.Errorf("nothing lacks, and it plans %q", titles(again))
	}
	if err := Undo(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.ReadFile("/etc/group"); string(after) != string(before) {
		t.Errorf("got %s", after)
	}
	if got := groups(Wanted{}); got != nil {
		t.Errorf("root is in need of %q", titles(got))
	}
}
