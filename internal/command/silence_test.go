//go:build cgo && libvirt_dlopen

package command

import (
	"context"
	"image/png"
	"os"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/guest"
)

// kernelOnly is all that Flatcar's first boot writes on its serial console until its system comes up.
const kernelOnly = "[    0.000000] Linux version 6.12.51-flatcar\r\n[    4.700000] EXT4-fs (vda9): mounted filesystem\r\n"

// firstBoot is one node's first boot, the run that waits for it, and what its console has, written so long ago.
func firstBoot(t *testing.T, log string, ago time.Duration) (*Run, func(context.Context) error) {
	t.Helper()
	r, nodes, _ := watched(t)
	step := nodes[0].Step
	step.Running = false
	save(t, step.Node.Fresh(), "")
	save(t, step.Node.Console(), log)
	if err := os.Chtimes(step.Node.Console(), time.Time{}, time.Now().Add(-ago)); err != nil {
		t.Fatal(err)
	}
	return r, func(ctx context.Context) error {
		return r.watchFailure(ctx, step, guest.NewConsole(step.Node.Console()), func(string) {})
	}
}

// TestASilentConsoleIsSaid, with the screen, and is the reason at the end of the wait.
func TestASilentConsoleIsSaid(t *testing.T) {
	r, watch := firstBoot(t, kernelOnly, firstSilence+time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), beforeEnd+5*time.Second)
	defer cancel()
	wantSoon(t, func() error { return watch(ctx) }, "not ready after 10m0s; nothing on its serial console for 24")
	const warning = "warning: core01: nothing on its serial console for 24"
	if said := r.said(); strings.Count(said, "warning") != 1 || !strings.Contains(said, warning) ||
		!strings.Contains(said, " s, since the kernel's lines: it looks like Ignition failed; its text is on the screen: vm/core01/screen.png\n") {
		t.Errorf("got\n%s", said)
	}
	picture, err := os.Open("vm/core01/screen.png")
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
		{"it may go on yet", kernelOnly, firstSilence - time.Minute, false},
		{"its system is up", kernelOnly + "core01 login: core (automatic login)\r\n", time.Hour, false},
		{"it was ready", kernelOnly, time.Hour, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, watch := firstBoot(t, c.log, c.ago)
			if c.ready {
				save(t, r.ws().Node("core", 1).Report(), "{}")
			}
			ctx, cancel := context.WithTimeout(t.Context(), beforeEnd+1500*time.Millisecond)
			defer cancel()
			if err := watch(ctx); err != nil || strings.Contains(r.said(), "warning") {
				t.Errorf("got %v\n%s", err, r.said())
			}
		})
	}
}

// TestTheTimeOfAnImageIsRemembered: three times as long is too long.
func TestTheTimeOfAnImageIsRemembered(t *testing.T) {
	r, watch := firstBoot(t, kernelOnly, 50*time.Second)
	if got := r.tooSilent(); got != firstSilence {
		t.Errorf("without history: got %s", got)
	}
	save(t, r.silencesFile(), `{"kvm /gone.qcow2": 3}`)
	ctx, cancel := context.WithTimeout(t.Context(), beforeEnd+1500*time.Millisecond)
	defer cancel()
	if err := watch(ctx); err != nil {
		t.Fatal(err)
	}
	r.keepSilence()
	if text, _ := os.ReadFile(r.silencesFile()); strings.Contains(string(text), "base") {
		t.Errorf("it was never ready: got %s", text)
	}
	r.times.Ready("core01", guest.Report{})
	r.keepSilence()
	again := run(t)
	again.base = r.base
	after := again.tooSilent()
	if got := after; got < 150*time.Second || got > 200*time.Second {
		t.Errorf("after 50 s: got %s", got)
	}
	if text, _ := os.ReadFile(r.silencesFile()); strings.Contains(string(text), "gone") {
		t.Errorf("an image that is gone: got %s", text)
	}
	quick := run(t)
	quick.base = r.base
	quick.times.SilentFor("core01", time.Second)
	quick.times.Ready("core01", guest.Report{})
	quick.keepSilence()
	if got := r.tooSilent(); got < 110*time.Second || got >= after {
		t.Errorf("a quicker boot later: got %s", got)
	}
	save(t, r.silencesFile(), `{"`+r.silenceKey()+`": 0.5}`)
	if got := r.tooSilent(); got != leastSilence {
		t.Errorf("after half a second: got %s", got)
	}
	other := "kvm"
	if r.domainType(r.conn) == "kvm" {
		other = "tcg"
	}
	if got := run(t, "accel="+other); got.silenceKey() == r.silenceKey() {
		t.Errorf("run by another: the same key %s", got.silenceKey())
	}
	save(t, r.silencesFile(), "no JSON")
	if got := r.tooSilent(); got != firstSilence {
		t.Errorf("a broken file: got %s", got)
	}
}

// TestASecondStartIsAFailure, but where the document changes the kernel's arguments.
func TestASecondStartIsAFailure(t *testing.T) {
	r, watch := firstBoot(t, strings.Repeat(kernelOnly+"[  309.700000] reboot: Restarting system\r\n", 2), 0)
	wantSoon(t, func() error { return watch(t.Context()) }, "the boot failed; its console says:\n    Linux has started 2 times and its system never came up; before the last start these lines came\n")
	document := "vm/core01/ignition.json"
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
		if got := changesArguments(document); got != want {
			t.Errorf("%s: got %v", text, got)
		}
	}
	save(t, document, `{"kernelArguments":{"shouldExist":["a"]}}`)
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	if err := watch(ctx); err != nil {
		t.Errorf("got %v", err)
	}
	save(t, r.ws().Node("core", 1).Report(), "{}")
	save(t, document, "{}")
	ctx, cancel = context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	if err := watch(ctx); err != nil {
		t.Errorf("it was ready before: got %v", err)
	}
}

// TestScreen is of a node that runs.
func TestScreen(t *testing.T) {
	r, _, _ := watched(t)
	screen := run(t, "node=core02")
	if err := Screen(t.Context(), screen); err != nil || screen.said() != "vm/core02/screen.png\n" {
		t.Errorf("got %v, %s", err, screen.said())
	}
	info, err := os.Stat("vm/core02/screen.png")
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v", info, err)
	}
	if err := r.conn.Destroy("core02"); err != nil {
		t.Fatal(err)
	}
	err = Screen(t.Context(), run(t, "node=core02"))
	if err == nil || err.Error() != "core02 does not run, and shows nothing\nhint: `mage start node=core02` boots it" {
		t.Errorf("it does not run: got %v", err)
	}
	if _, err := r.conn.Screen(t.Context(), "core01", 100); err == nil || !strings.Contains(err.Error(), "it has more than ") {
		t.Errorf("a picture of more than 100 bytes: got %v", err)
	}
	r.unlockAll()
	down := run(t)
	if err := down.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("vm/core02"); err == nil {
		t.Error("the picture is left")
	}
}
