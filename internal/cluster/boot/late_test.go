//go:build cgo && libvirt_dlopen

package boot

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/cluster/reach"
	"coreos-libvirt/internal/guest"
)

// TestNotInTime has nodes that did not report within timeout=: what is said of each.
func TestNotInTime(t *testing.T) {
	b, steps := defined(t)
	node := steps[0].Node
	const (
		firmware = "SeaBIOS (version 1.16.2)\r\nBooting from Hard Disk...\r\n"
		kernel   = firmware + "[    0.000000] Linux version 6.12.5\r\n"
		prompt   = kernel + "core01 login: "
		unit     = prompt + "\r\ncoreos-libvirt-ready.service: ready.sh: 3: Syntax error\r\n"
	)
	for name, c := range map[string]struct {
		kvm                  bool
		console, waits, want string
	}{
		"by a KVM that runs no kernel": {true, firmware, "", "not ready after 10m0s: its console stands in the boot loader\nhint: if this host is itself a virtual machine, its KVM may run no 64-bit kernel: `mage down`, then `mage up accel=tcg`"},
		"emulated in the boot loader":  {false, firmware, "", "not ready after 10m0s\nhint: vm/core01/console.log shows"},
		"by KVM in the kernel":         {true, kernel, "", "not ready after 10m0s\nhint: vm/core01/console.log shows"},
		"it says why":                  {true, kernel, "no address yet", "not ready after 10m0s: it says: no address yet\nhint: vm/core01/console.log shows"},
		"the unit fails, no prompt":    {true, kernel + "coreos-libvirt-ready.service: no channel\r\n", "", "not ready after 10m0s: its readiness unit says: no channel\nhint: vm/core01/console.log shows"},
		"login prompt, no word":        {true, prompt, "", "not ready after 10m0s, though its console shows a login prompt: its readiness unit has reported nothing; nor was it found otherwise: "},
		"login prompt, it says why":    {true, prompt, "no host keys yet", "though its console shows a login prompt: it says: no host keys yet; nor was it"},
		"login prompt, the unit fails": {true, unit, "", "though its console shows a login prompt: its readiness unit says: ready.sh: 3: Syntax error; nor was it"},
	} {
		b.KVM = c.kvm
		save(t, node.Console(), c.console)
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // nobody is looked for
		_, err := b.late(ctx, node, b.Timeout, c.waits, context.DeadlineExceeded)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Count(err.Error(), "hint: ") != 1 {
			t.Errorf("%s: want %s\ngot %v", name, c.want, err)
		}
	}
}

// TestANodeThatWasFoundOtherwiseIsAskedAgain: its report has no keys, and it may make one of its own by now.
func TestANodeThatWasFoundOtherwiseIsAskedAgain(t *testing.T) {
	b, steps := defined(t)
	b.Timeout = 5 * time.Minute
	node := steps[0].Node.Name
	if got := b.limit(node); got != 5*time.Minute {
		t.Errorf("a new node: got %s", got)
	}
	for report, want := range map[*guest.Report]time.Duration{{HostName: node}: reach.Patience, {BootID: "x"}: 5 * time.Minute} {
		if err := b.Nodes.Remember(node, *report); err != nil {
			t.Fatal(err)
		}
		if got := b.limit(node); got != want {
			t.Errorf("%+v: want %s, got %s", *report, want, got)
		}
		if _, ok := b.Nodes.Remembered(t.Context(), node); ok {
			t.Errorf("%+v: believed", *report)
		}
	}
}

// TestLateNodeIsFound has a node that shows a login prompt and reports nothing: libvirt's test driver knows its address,
// where no sshd is.
func TestLateNodeIsFound(t *testing.T) {
	b, nodes, _ := watched(t)
	node := nodes[0].Step.Node
	report, from, err := b.Nodes.Found(t.Context(), node)
	if _, bad := netip.ParseAddr(report.Address(node.MAC)); err != nil || bad != nil || from == "" {
		t.Errorf("got %+v, %s, %v", report, from, err)
	}
}
