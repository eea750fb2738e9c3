//go:build cgo && libvirt_dlopen

package boot

import (
	"context"
	"image/png"
	"os"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/workspace"
)

// kernelOnly is all that Flatcar's first boot writes on its serial console until its system comes up.
const kernelOnly = "[    0.000000] Linux version 6.12.51-flatcar\r\n[    4.700000] EXT4-fs (vda9): mounted filesystem\r\n"

// firstBoot is one node's first boot, and the watch over it. Its console has the log, written so long ago.
func firstBoot(t *testing.T, log string, ago time.Duration) (b Booter, node workspace.Node, watch func(context.Context) error) {
	t.Helper()
	b, nodes, _ := watched(t)
	node = nodes[0].Step.Node
	save(t, node.Console(), log)
	if err := os.Chtimes(node.Console(), time.Time{}, time.Now().Add(-ago)); err != nil {
		t.Fatal(err)
	}
	return b, node, func(ctx context.Context) error { return b.watchFailure(ctx, node, ofThisRun, func(string) {}) }
}

// TestASilentConsoleIsSaid, with the screen, and is the reason at the end of the wait.
func TestASilentConsoleIsSaid(t *testing.T) {
	b, node, watch := firstBoot(t, kernelOnly, 4*time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), silenceBeforeEnd+5*time.Second)
	defer cancel()
	wantSoon(t, func() error { return watch(ctx) }, "not ready after 10m0s; nothing on its serial console for 24")
	const warning = "warning: core01: nothing on its serial console for 24"
	if got := said(b); strings.Count(got, "warning") != 1 || !strings.Contains(got, warning) ||
		!strings.Contains(got, " s, since the kernel's lines: it looks like Ignition failed; its text is on the screen: vm/core01/screen.png\n") {
		t.Errorf("got\n%s", got)
	}
	picture, err := os.Open(node.Screen())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = picture.Close() }()
	if _, err := png.DecodeConfig(picture); err != nil {
		t.Errorf("screen.png: %v", err)
	}
}

// TestWhatIsNotSilentForTooLong ends with the wait, and nothing is said: of a time that is as usual, of a system that came up,
// of a node that was ready before.
func TestWhatIsNotSilentForTooLong(t *testing.T) {
	for _, c := range []struct {
		name, log string
		ago       time.Duration
		ready     bool
	}{
		{"it may go on yet", kernelOnly, 2 * time.Minute, false},
		{"its system is up", kernelOnly + "core01 login: core (automatic login)\r\n", time.Hour, false},
		{"it was ready", kernelOnly, time.Hour, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, node, watch := firstBoot(t, c.log, c.ago)
			if c.ready {
				save(t, node.Report(), "{}")
			}
			ctx, cancel := context.WithTimeout(t.Context(), silenceBeforeEnd+1500*time.Millisecond)
			defer cancel()
			if err := watch(ctx); err != nil || strings.Contains(said(b), "warning") {
				t.Errorf("got %v\n%s", err, said(b))
			}
		})
	}
}

// TestTheSilenceOfANewNodeIsNoted, for the next ones of its image: if it becomes ready.
func TestTheSilenceOfANewNodeIsNoted(t *testing.T) {
	b, _, watch := firstBoot(t, kernelOnly, 50*time.Second)
	ctx, cancel := context.WithTimeout(t.Context(), silenceBeforeEnd+1500*time.Millisecond)
	defer cancel()
	if err := watch(ctx); err != nil {
		t.Fatal(err)
	}
	if got := b.Record.Silences(func(string) string { return "" })[""]; got != 0 {
		t.Errorf("it was never ready: got %s", got)
	}
	b.Record.Ready("core01", guest.Report{})
	if got := b.Record.Silences(func(string) string { return "" })[""]; got < 50*time.Second || got > 65*time.Second {
		t.Errorf("after 50 s: got %s", got)
	}
}

// TestASecondStartIsAFailure, but where the document changes the kernel's arguments.
func TestASecondStartIsAFailure(t *testing.T) {
	_, node, watch := firstBoot(t, strings.Repeat(kernelOnly+"[  309.700000] reboot: Restarting system\r\n", 2), 0)
	wantSoon(t, func() error { return watch(t.Context()) }, "the boot failed; its console says:\n    Linux has started 2 times and its system never came up; before the last start these lines came\n")
	document := node.Ignition()
	for text, want := range map[string]bool{
		`{"ignition":{"version":"3.3.0"},"kernelArguments":{"shouldExist":["a"]}}`:    true,
		`{"ignition":{"version":"3.3.0"},"kernelArguments":{"shouldNotExist":["a"]}}`: true,
		`{"ignition":{"version":"3.3.0"},"kernelArguments":{}}`:                       false,
		`{"ignition":{"version":"3.2.0"}}`:                                            false,
		`{"ignition":{"config":{"merge":[{"source":"https://example.org/x"}]}}}`:      true,
		`{"ignition":{"config":{"replace":{"source":"data:,x"}}}}`:                    true,
		`{"ignition":{"config":{"replace":{}}}}`:                                      false,
		"no JSON":                                                                     false,
	} {
		save(t, document, text)
		if got := changesArguments([]byte(text)); got != want {
			t.Errorf("%s: got %v", text, got)
		}
	}
	save(t, document, `{"kernelArguments":{"shouldExist":["a"]}}`)
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	if err := watch(ctx); err != nil {
		t.Errorf("got %v", err)
	}
	save(t, node.Report(), "{}")
	save(t, document, "{}")
	ctx, cancel = context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	if err := watch(ctx); err != nil {
		t.Errorf("it was ready before: got %v", err)
	}
}

// TestKVMThatRunsNoKernel is said once: firmware and boot loader write, and then nothing does. TCG is only slow.
func TestKVMThatRunsNoKernel(t *testing.T) {
	for name, kvm := range map[string]bool{"kvm": true, "tcg": false} {
		t.Run(name, func(t *testing.T) {
			b, node, _ := firstBoot(t, "SeaBIOS (version 1.16.2-debian-1.16.2-1)\r\nBooting from Hard Disk...\r\n", 40*time.Second)
			b.KVM = kvm
			ctx, cancel := context.WithTimeout(t.Context(), 3*watchEvery)
			defer cancel()
			if err := b.watchFailure(ctx, node, ofThisRun, func(string) {}); err != nil {
				t.Error(err)
			}
			const warning = "warning: core01: its console stands still in the boot loader for "
			if got := said(b); kvm != (strings.Count(got, warning) == 1) || kvm != strings.Contains(got, "hint: `mage host:check accel=kvm` tries it; `mage up accel=tcg recreate=core01`") {
				t.Errorf("got\n%s", got)
			}
		})
	}
}
