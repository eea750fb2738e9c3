//go:build cgo && libvirt_dlopen

package command

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
)

// stoppedOn is a node with data that does not run, on base.qcow2. It gives the base's path.
func stoppedOn(t *testing.T) (base string) {
	t.Helper()
	inCloneOf(t)
	base = run(t).Image
	t.Setenv("COREOS_NODES", "1")
	mustUp(t)
	bootDomain(t, "core01")
	stopAll(t)
	return base
}

// starts is `mage start`, or restart.
func starts(t *testing.T, target func(*Run) error, words ...string) error {
	t.Helper()
	r := run(t, append(words, "grace=1s")...)
	defer r.unlockAll()
	return target(r)
}

func startNodes(t *testing.T) func(*Run) error {
	return func(r *Run) error { return Start(t.Context(), r) }
}

func restartNodes(t *testing.T) func(*Run) error {
	return func(r *Run) error { return Restart(t.Context(), r) }
}

// keepsRefusing fails the test if there is not an error that says so, on a node that is in the state and keeps its data.
func keepsRefusing(t *testing.T, err error, state engine.State, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want %q", words)
	}
	contains(t, err.Error(), words...)
	if d := theDomain(t, "core01"); d.State != state {
		t.Errorf("the node is %s, want %s", d.State, state)
	}
	keepsData(t, "core01")
}

// TestABaseThatWasReplacedIsNotBooted: an overlay on other blocks than it was made on is a corrupt file system.
func TestABaseThatWasReplacedIsNotBooted(t *testing.T) {
	base := stoppedOn(t)
	info, err := os.Stat(base)
	if err != nil {
		t.Fatal(err)
	}
	before := contents(t, base)
	sized(t, base, "65")
	for what, try := range map[string]func() error{
		"up":            func() error { _, err := up(t); return err },
		"up, redefine":  func() error { _, err := up(t, "ram=512"); return err },
		"another image": func() error { sized(t, "other.qcow2", "64"); _, err := up(t, "image=other.qcow2"); return err },
		"start":         func() error { return starts(t, startNodes(t)) },
		"restart":       func() error { return starts(t, restartNodes(t)) },
		"plan":          func() error { return run(t).Plan(t.Context()) },
	} {
		t.Run(what, func(t *testing.T) {
			keepsRefusing(t, try(), engine.ShutOff, "core01: ", "its base image "+base+" was replaced", "\nhint: put the file of before back", "recreate=core01` ")
		})
	}
	put(t, base, []byte(before))
	if err := os.Chtimes(base, time.Time{}, info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if err := starts(t, startNodes(t)); err != nil { // the way back
		t.Error(err)
	}
	sized(t, base, "65")
	keepsRefusing(t, starts(t, restartNodes(t)), engine.Running, "core01: its base image "+base+" was replaced")
	if said := mustUp(t); strings.Contains(said, "core01: booting") { // it runs, on blocks that QEMU has open
		t.Errorf("got\n%s", said)
	}
	stopAll(t)
	lost(t, "core01")
	if said, err := up(t); err == nil || !strings.Contains(err.Error(), "was replaced") || strings.Contains(said, "booting") || theDomain(t, "core01").Name != "" {
		t.Errorf("of a node without a domain: %v\n%s", err, said)
	}
	keepsData(t, "core01")
	mustUp(t, "recreate=core01")
	plans(t, 0, "core01 unchanged defined, unchanged")
	if err := starts(t, restartNodes(t)); err != nil {
		t.Error(err)
	}
}

// TestABaseThatIsGone: what stands on it can be recreated on another, and every error says how.
func TestABaseThatIsGone(t *testing.T) {
	base := stoppedOn(t)
	sized(t, "other.qcow2", "64")
	if err := os.Remove(base); err != nil {
		t.Fatal(err)
	}
	const gone = " is gone"
	_, err := up(t, "image=other.qcow2")
	for what, err := range map[string]error{
		"up": err, "start": starts(t, startNodes(t)), "restart": starts(t, restartNodes(t)), "plan": run(t, "image=other.qcow2").Plan(t.Context()),
	} {
		if err == nil {
			t.Fatalf("%s: no error", what)
		}
		contains(t, err.Error(), "core01: its base image "+base+gone, "\nhint: put the file back, or `", "recreate=core01` ")
	}
	if _, err := up(t); err == nil || !strings.Contains(err.Error(), "\nhint: ") { // image= is that file
		t.Errorf("got %v", err)
	}
	if d := theDomain(t, "core01"); d.State != engine.ShutOff || !workspace.Exists(overlayOf("core01")) {
		t.Error("something happened to it")
	}
	mustUp(t, "image=other.qcow2", "recreate=core01")
	if d := theDomain(t, "core01"); d.State != engine.Running || !strings.HasSuffix(d.Metadata.Base, "/other.qcow2") {
		t.Errorf("it is %s, on %s", d.State, d.Metadata.Base)
	}
	stopAll(t)
	if err := os.Remove("other.qcow2"); err != nil {
		t.Fatal(err)
	}
	mustDown(t)
	if left := folders(t); left != "" {
		t.Errorf("left are %s", left)
	}
}

// TestABaseOfANodeWithoutIdentity: the mark of an earlier version does not say which file the base was. What was written to after the
// node was made is not that.
func TestABaseOfANodeWithoutIdentity(t *testing.T) {
	base := stoppedOn(t)
	edit(t, "core01", regexp.MustCompile(` image=.[0-9]+ bytes of [^ ]+`).FindString(theDomain(t, "core01").XML), "")
	if m := theDomain(t, "core01").Metadata; m.Image != "" {
		t.Fatalf("the mark says %q", m.Image)
	}
	if err := starts(t, startNodes(t)); err != nil {
		t.Fatalf("nothing was done to it: %v", err)
	}
	stopAll(t)
	if err := os.Chtimes(base, time.Time{}, time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	keepsRefusing(t, starts(t, startNodes(t)), engine.ShutOff, "core01: its base image "+base+" was written to after its disk was made on it\nhint: put the file of before back, with its time", "recreate=core01` ")
	_, err := up(t)
	keepsRefusing(t, err, engine.ShutOff, "was written to after its disk was made on it")
}
