//go:build cgo && libvirt_dlopen

package command

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
)

// snapshotted gives a node the definition that it has after `virsh snapshot-create-as --disk-only`. It gives the snapshot's path.
func snapshotted(t *testing.T, name string) (snap string) {
	t.Helper()
	own, err := filepath.Abs(overlayOf(name))
	if err != nil {
		t.Fatal(err)
	}
	snap = strings.TrimSuffix(own, ".qcow2") + ".before"
	if out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", own, snap).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	edit(t, name, own, snap)
	return snap
}

// TestASnapshotIsNotTakenAway: the hint that the node be redefined put it back on the disk below.
func TestASnapshotIsNotTakenAway(t *testing.T) {
	inCloneOf(t)
	t.Setenv("COREOS_NODES", "1")
	mustUp(t)
	snap := snapshotted(t, "core01") // the disk below is as nobody had written to it
	own := strings.TrimSuffix(snap, ".before") + ".qcow2"
	way := "virsh blockcommit core01 \"" + snap + "\" --base \"" + own + "\" --active --pivot --verbose"
	on := func(what string) {
		t.Helper()
		if d := theDomain(t, "core01"); d.Name == "" || len(d.Disks) != 1 || d.Disks[0] != snap || !workspace.Exists(snap) {
			t.Fatalf("%s: the node is on %v", what, d.Disks)
		}
	}
	said := mustUp(t)
	contains(t, said, "left as it is", "(hint: "+way)
	r := run(t, "diff=false")
	if err := r.Plan(t.Context()); err != nil || strings.Contains(r.said(), "redefine=true") || !strings.Contains(r.said(), way) {
		t.Errorf("got %v\n%s", err, r.said())
	}
	if strings.Contains(said, "redefine=true") || strings.Contains(said, "stands on "+own) {
		t.Errorf("got\n%s", said)
	}
	refuses := func(what, hint string, words ...string) {
		t.Helper()
		said, err := up(t, words...)
		if err == nil || !strings.Contains(err.Error(), "core01: its domain has the disk "+snap+", not "+own+", on which that stands: a snapshot\nhint: "+hint) {
			t.Errorf("%s: got %v\n%s", what, err, said)
		}
		on(what)
	}
	refuses("redefine=true", way, "redefine=true")
	save(t, "plain.yml", strings.Replace(plain, "Node_Name", "Node_Number", 1))
	mustUp(t, "recreate=changed")
	on("recreate=changed")
	refuses("both", way, "redefine=true", "recreate=changed")
	save(t, "vm/core01/defined.xml", "") // the record is lost
	refuses("another definition", way, "ram=512")
	stopAll(t)
	refuses("stopped", "virsh start core01, and then "+way, "ram=512")
	mustUp(t) // on the snapshot
	on("start")
	if d := theDomain(t, "core01"); d.State != engine.Running {
		t.Errorf("it is %s", d.State)
	}
	edit(t, "core01", snap, own) // as blockcommit does
	mustUp(t, "redefine=true", "ram=512")
	mustDown(t)
	if left := folders(t); left != "" {
		t.Errorf("left are %s", left)
	}
}
