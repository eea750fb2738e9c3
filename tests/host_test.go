//go:build lab

package tests

import (
	"context"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/engine/libvirt/probekernel"

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
	case works && (err != nil || !strings.Contains(out, "ok    KVM                  a domain runs 64-bit code with it\n")):
		t.Errorf("KVM works: got %v\n%s", err, out)
	case !works && offered && (err == nil || !strings.Contains(out, "FAIL  KVM                  does not start: ") && !strings.Contains(out, "FAIL  KVM                  KVM ")):
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

// kvm reports whether libvirt has KVM to offer, and whether QEMU runs 64-bit code by it.
func kvm(t *testing.T, c clone) (offered, works bool) {
	t.Helper()
	return strings.Contains(c.inLab(t, "virsh", "-q", "capabilities"), "<domain type='kvm'"), runs64(t, "-accel", "kvm", "-cpu", "host")
}

// runs64 reports whether QEMU, with these arguments, comes to the end of the program that host:check boots.
func runs64(t *testing.T, args ...string) bool {
	t.Helper()
	kernel := filepath.Join(t.TempDir(), "kernel")
	if err := os.WriteFile(kernel, probekernel.Program(), 0o644); err != nil {
		t.Fatal(err)
	}
	args = append(args, "-kernel", kernel, "-m", "32", "-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio")
	ctx, cancel := context.WithTimeout(t.Context(), pace.Limit(5))
	defer cancel()
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", args...)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, len(probekernel.Answer))
	_, err = io.ReadFull(out, answer)
	cancel()
	_ = cmd.Wait() // it was ended
	return err == nil && string(answer) == probekernel.Answer
}

// tinyProbed: the program that tells a KVM that works from others runs where there is a processor of 64 bits, by QEMU alone
// and by libvirt, and not where there is none.
func tinyProbed(t *testing.T, c tiny) {
	if !runs64(t, "-accel", "tcg", "-cpu", "max") {
		t.Error("QEMU emulates a processor of 64 bits, and it does not answer")
	}
	if runs64(t, "-accel", "tcg", "-cpu", "qemu32") {
		t.Error("a processor of 32 bits answers")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := c.world().Command(t.Context(), program, "-test.run", "^TestProbeByLibvirt$", "-test.v", "-probe-in", t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestProbeByLibvirt") {
		t.Errorf("by libvirt: %v\n%s", err, out)
	}
	out, err := c.try("lab", "host:check", "accel=kvm")
	switch offered, works := kvm(t, c.clone); {
	case works && !strings.Contains(out, "ok    KVM                  a domain runs 64-bit code with it\n"):
		t.Errorf("KVM works: got %v\n%s", err, out)
	case !works && offered && !strings.Contains(out, "FAIL  KVM "):
		t.Errorf("KVM is offered, and does not work: got %v\n%s", err, out)
	}
}

var probeIn = flag.String("probe-in", "", "the folder of TestProbeByLibvirt, which TestTiny starts in its lab")

func TestProbeByLibvirt(t *testing.T) {
	dir := *probeIn
	if dir == "" {
		t.Skip("a part of TestTiny, which runs it in its lab")
	}
	conn, err := libvirt.Open("qemu:///system", func(error) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Probe("qemu", "x86_64", dir); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
