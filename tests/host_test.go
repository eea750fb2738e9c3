//go:build lab

package tests

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"coreos-libvirt/internal/testkit/pace"
)

// hostChecked looks at the lab's host as it is, and with faults. Whether KVM works, QEMU itself tells.
func hostChecked(t *testing.T, c clone) {
	out := c.mage(t, "lab", "host:check")
	for _, want := range []string{"ok    libvirt              qemu:///system, libvirt ", "ok    QEMU ", "ok    KVM                  not used: accel=tcg\n", "ok    network              br0, with uplink\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	out, err := c.try("lab", "host:check", "accel=kvm")
	switch offered, works := kvm(t, c); {
	case works && (err != nil || !strings.Contains(out, "ok    KVM                  a domain starts with it\n")):
		t.Errorf("KVM works: got %v\n%s", err, out)
	case !works && offered && (err == nil || !strings.Contains(out, "FAIL  KVM                  does not start: ") && !strings.Contains(out, "FAIL  KVM                  KVM runs no processor: ")):
		t.Errorf("KVM is offered, and does not work: got %v\n%s", err, out)
	case !offered && (err == nil || !strings.Contains(out, "FAIL  KVM                  libvirt offers no KVM for ")):
		t.Errorf("there is no KVM: got %v\n%s", err, out)
	}
	if left := strings.TrimSpace(c.inLab(t, "virsh", "-q", "list", "--all", "--name")); strings.Contains(left, "probe") {
		t.Errorf("the domain that was tried is left: %s", left)
	}
	c.inLab(t, "ip", "link", "set", "br0", "down")
	out, err = c.try("lab", "host:check")
	c.inLab(t, "ip", "link", "set", "br0", "up")
	if err == nil || !strings.Contains(out, "FAIL  network              the bridge br0 is down\n      sudo ip link set br0 up\n") {
		t.Errorf("a bridge that is down: got %v\n%s", err, out)
	}
}

// kvm tells whether libvirt has KVM to offer, and whether QEMU can set a processor of it up: then it waits to be let
// run, and is ended by timeout.
func kvm(t *testing.T, c clone) (offered, works bool) {
	t.Helper()
	arch := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	offered = strings.Contains(c.inLab(t, "virsh", "-q", "capabilities"), "<domain type='kvm'")
	err := exec.Command("timeout", fmt.Sprint(pace.Limit(1.5).Seconds()), "qemu-system-"+arch, "-accel", "kvm", "-cpu", "host", "-nodefaults", "-display", "none", "-S").Run()
	var exit *exec.ExitError
	return offered, errors.As(err, &exit) && exit.ExitCode() == 124
}
