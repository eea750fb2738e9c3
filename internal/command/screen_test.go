//go:build cgo && libvirt_dlopen

package command

import (
	"os"
	"strings"
	"testing"
)

// TestScreen is of a node that runs.
func TestScreen(t *testing.T) {
	inClone(t)
	r := run(t)
	mustDefine(t, r)
	through(t, r.Up)
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
	if err == nil || err.Error() != "core02 does not run, and shows nothing\nhint: `"+asCalled(run(t).Settings, "start", "node=core02")+"` boots it" {
		t.Errorf("it does not run: got %v", err)
	}
	if _, err := r.daemon.Screen(t.Context(), "core01", 100); err == nil || !strings.Contains(err.Error(), "it has more than ") {
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

// TestSilencesAreOfTheAcceleratorToo: an emulated guest is slower by far.
func TestSilencesAreOfTheAcceleratorToo(t *testing.T) {
	inClone(t)
	kvm, tcg := run(t, "accel=kvm"), run(t, "accel=tcg")
	for _, r := range []*Run{kvm, tcg} {
		if _, err := r.libvirt(); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := kvm.booter(nil, nothingMade), tcg.booter(nil, nothingMade); a.Silence("core01") == b.Silence("core01") || !a.KVM || b.KVM {
		t.Errorf("got %+v, %+v", a.Silence("core01"), b.Silence("core01"))
	}
}
