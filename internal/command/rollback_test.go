//go:build cgo && libvirt_dlopen

package command

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"coreos-libvirt/internal/cluster/moment"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
)

// target is one of the targets about snapshots. That guests without ssh are told of as such is not an error here.
func target(t *testing.T, do func(context.Context, *Run) error, words ...string) (said string, err error) {
	t.Helper()
	withoutSSH(t)
	r := run(t, words...)
	defer r.unlockAll()
	err = do(t.Context(), r)
	if err != nil && !strings.Contains(noClock.ReplaceAllString(err.Error(), ""), ":") {
		err = nil
	}
	return r.said(), err
}

// withoutSSH has a fake of ssh that reaches nobody: libvirt's test driver gives its domains addresses that others may have.
func withoutSSH(t *testing.T) {
	t.Helper()
	programs := t.TempDir()
	if err := os.WriteFile(filepath.Join(programs, "ssh"), []byte("#!/bin/sh\nexit 255\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", programs+":"+os.Getenv("PATH")) //nolint:forbidigo // the test's own
}

// noClock is what is said of a guest that nobody can log in to.
var noClock = regexp.MustCompile("(?m)^[a-z]+[0-9]+: its clock is not set: .*\nhint: log in and type: sudo date -s @[0-9]+$")

func mustTarget(t *testing.T, do func(context.Context, *Run) error, words ...string) string {
	t.Helper()
	said, err := target(t, do, words...)
	if err != nil {
		t.Fatalf("%v: %v\n%s", words, err, said)
	}
	return said
}

func refuses(t *testing.T, want string, do func(context.Context, *Run) error, words ...string) {
	t.Helper()
	if said, err := target(t, do, words...); err == nil || !strings.Contains(calledHere.Replace(err.Error()), want) {
		t.Errorf("%v: want %q, got %v\n%s", words, want, err, said)
	}
}

// calledHere is how tests are called, as a user calls this program.
var calledHere = strings.NewReplacer(os.Args[0]+" ", "mage ", "go run magefile.go ", "mage ")

// snapshotsListed are the snapshots that there are.
func snapshotsListed(t *testing.T, words ...string) (all []moment.Snapshot) {
	t.Helper()
	said := mustTarget(t, Snapshots, append(words, "format=json")...)
	if err := json.Unmarshal([]byte(said), &all); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	return all
}

// onSnapshots is libvirt, as one that a user of virsh makes snapshots with.
func onSnapshots(t *testing.T) engine.Snapshots {
	t.Helper()
	r := run(t)
	if _, err := r.libvirt(); err != nil {
		t.Fatal(err)
	}
	on, err := able[engine.Snapshots](r.conn, "snapshots")
	if err != nil {
		t.Fatal(err)
	}
	return on
}

func states(t *testing.T) string {
	t.Helper()
	return string(theDomain(t, "core01").State + ", " + theDomain(t, "core02").State)
}

// TestASnapshotOfACluster is its life: nodes with one are as they were for `up` and `plan`, and go back to it.
func TestASnapshotOfACluster(t *testing.T) {
	inClone(t)
	mustUp(t)
	if all := snapshotsListed(t); len(all) != 0 {
		t.Errorf("got %v", all)
	}
	contains(t, mustTarget(t, Snapshots), "snapshots: there are none")
	refuses(t, "snapshot: name= says which snapshot\nhint: `mage snapshot name=clean`", Snapshot)
	contains(t, mustTarget(t, Snapshot, "name=clean"), "snapshot: clean is of core01, core02 with memory, paused for ")
	if all := snapshotsListed(t); len(all) != 1 || !all[0].Ours() || !all[0].Memory || !all[0].Complete() || strings.Join(all[0].Nodes, " ") != "core01 core02" {
		t.Errorf("got %+v", all)
	}
	unchanged := "core01 unchanged defined, unchanged\ncore02 unchanged defined, unchanged"
	if plans(t, 0, unchanged); states(t) != "running, running" {
		t.Errorf("they are %s", states(t))
	}
	refuses(t, "there is a snapshot clean already, of 20", Snapshot, "name=clean")
	refuses(t, "the cluster core has no snapshot dirty\nhint: snapshots are clean", Rollback, "name=dirty")

	mustUp(t, "ram=512") // the definition is newer than the snapshot, and stays
	stopAll(t)
	contains(t, mustTarget(t, Rollback, "name=clean"), "rollback: core01, core02 are as they were on 20")
	if states(t) != "running, running" {
		t.Errorf("they are %s", states(t))
	}
	if d := theDomain(t, "core02"); d.Machine.Memory != 512 || d.Started == "" || d.Started == d.Metadata.Definition {
		t.Errorf("want the definition of now, to be started with next, got %+v", d)
	}
	restart := "; it was started before its definition changed, which takes effect with `mage restart`"
	plans(t, 0, strings.ReplaceAll(unchanged, "defined, unchanged", "defined, unchanged"+restart), "ram=512")
	contains(t, mustTarget(t, Snapshots), "clean   core      20", "core01, core02   complete")
	mustTarget(t, Snapshots, "name=clean", "remove=true")
	if all := snapshotsListed(t); len(all) != 0 {
		t.Errorf("got %v", all)
	}
	mustTarget(t, Snapshot, "name=again")
	mustDown(t)
	if left := folders(t); left != "" || theDomain(t, "core01").Name != "" {
		t.Errorf("left are %s, and the domain %q", left, theDomain(t, "core01").Name)
	}
}

// TestASnapshotWithoutMemory: its nodes are shut down for it, and boot again then and after a rollback. Those that were off stay so.
func TestASnapshotWithoutMemory(t *testing.T) {
	inClone(t)
	mustUp(t)
	r := run(t, "grace=1s", "node=core02")
	if err := Stop(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	r.unlockAll()
	contains(t, mustTarget(t, Snapshot, "name=clean", "memory=off", "grace=1s"), "core01: ", "snapshot: clean is of core01, core02, without memory", "core01: booting")
	if all := snapshotsListed(t); states(t) != "running, shut off" || len(all) != 1 || all[0].Memory {
		t.Errorf("they are %s, %+v", states(t), all)
	}
	mustUp(t)
	contains(t, mustTarget(t, Rollback, "name=clean"), "core01: booting")
	if states(t) != "running, shut off" {
		t.Errorf("they are %s", states(t))
	}
}

// TestASnapshotThatIsNotWhole: of what a killed run left it is said what there is, and how it goes; the cluster does not go back to it.
func TestASnapshotThatIsNotWhole(t *testing.T) {
	inClone(t)
	mustUp(t)
	on := onSnapshots(t)
	for _, node := range []string{"core01", "core02"} {
		if err := on.Pause(node); err != nil {
			t.Fatal(err)
		}
	}
	note := moment.Note{Cluster: "core", ID: "1", Nodes: []string{"core01", "core02"}}
	if err := on.TakeSnapshot("core01", "clean", note.String()); err != nil {
		t.Fatal(err)
	}
	if err := (workspace.Unfinished{Target: workspace.TargetSnapshot, Name: "clean"}).Begin(run(t).ws(), "core"); err != nil {
		t.Fatal(err)
	}
	incomplete := "incomplete: core01 has of it, core02 has not\nhint: `mage snapshots name=clean remove=true` removes "
	refuses(t, incomplete+"the snapshot", Rollback, "name=clean")
	refuses(t, incomplete+"it", Snapshot, "name=clean")
	refuses(t, "core01 is paused\nhint: `mage start node=core01`", Snapshot, "name=other")
	contains(t, mustTarget(t, Snapshots), "incomplete: core02 has it not")
	contains(t, mustUp(t), "the snapshot clean has not ended: core01 has of it, core02 has not; nodes may be paused (hint: `", " snapshots prefix=core name=clean remove=true` removes it)")
	if states(t) != "running, running" {
		t.Errorf("they are %s", states(t))
	}
	mustTarget(t, Snapshots, "name=clean", "remove=true")
	if said := mustUp(t); strings.Contains(said, "clean") || len(snapshotsListed(t)) > 0 {
		t.Errorf("got\n%s", said)
	}
	mustTarget(t, Snapshot, "name=clean")
}

// TestARollbackThatHasNotEnded keeps nodes of different times from running together, until it ends.
func TestARollbackThatHasNotEnded(t *testing.T) {
	inClone(t)
	mustUp(t)
	mustTarget(t, Snapshot, "name=clean")
	mustUp(t, "ram=512")
	now := moment.Definitions([]engine.Domain{theDomain(t, "core01"), theDomain(t, "core02")})
	on := onSnapshots(t)
	all, err := on.Snapshots("core01")
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	if err := (workspace.Unfinished{Target: workspace.TargetRollback, Name: "clean", Definitions: now}).Begin(run(t).ws(), "core"); err != nil {
		t.Fatal(err)
	}
	if err := on.Revert("core01", all[0]); err != nil {
		t.Fatal(err)
	}
	if states(t) != "paused, running" {
		t.Errorf("they are %s", states(t))
	}
	said := "a rollback of the cluster core to clean has not ended: its nodes may be of different times, and etcd does not survive that\nhint: `mage rollback prefix=core name=clean` ends it; `mage down prefix=core`"
	for _, do := range []func(context.Context, *Run) error{Start, Restart, func(context.Context, *Run) error { _, err := up(t, "ram=512"); return err }} {
		refuses(t, said, do)
	}
	refuses(t, said, Snapshot, "name=other")
	refuses(t, said, Snapshots, "name=clean", "remove=true")
	mustTarget(t, Rollback, "name=clean")
	if d := theDomain(t, "core01"); states(t) != "running, running" || d.Machine.Memory != 512 {
		t.Errorf("they are %s, %+v", states(t), d)
	}
	mustUp(t, "ram=512")
}

// TestSnapshotsThatTheClusterCannotGoBackTo are those that others made, and those of other nodes.
func TestSnapshotsThatTheClusterCannotGoBackTo(t *testing.T) {
	inClone(t)
	mustUp(t)
	on := onSnapshots(t)
	if err := on.TakeSnapshot("core02", "theirs", "before the upgrade"); err != nil {
		t.Fatal(err)
	}
	refuses(t, "the snapshot theirs of core02 is somebody else's\nhint: virsh snapshot-revert", Rollback, "name=theirs")
	refuses(t, "the snapshot theirs of core02 is somebody else's\nhint: virsh snapshot-revert", Snapshots, "name=theirs", "remove=true")
	refuses(t, "core02 has a snapshot theirs that somebody else made\nhint: take another name, or remove it: virsh snapshot-delete core02 theirs", Snapshot, "name=theirs")
	contains(t, mustTarget(t, Snapshots), "somebody else's")
	mustTarget(t, Snapshot, "name=clean")

	refuses(t, "the cluster core is protected (protect=true), and what came after a snapshot is lost with a rollback\nhint: `mage rollback name=clean protect=false`", Rollback, "name=clean", "protect=true")
	mustUp(t, "nodes=3")
	refuses(t, "core03 came to the cluster later\nhint: `mage up nodes=2` removes it", Rollback, "name=clean")
	gone := "core02: its snapshots go with it: clean, theirs; the cluster cannot be rolled back to them then"
	r := run(t, "recreate=core02", "diff=false")
	if err := r.Plan(t.Context()); err == nil || !strings.Contains(r.said(), gone) {
		t.Errorf("got %v\n%s", err, r.said())
	}
	contains(t, mustUp(t, "nodes=2", "recreate=core02"), gone)
	refuses(t, "incomplete: core01 has of it, core02 has not", Rollback, "name=clean")

	mustUp(t, "prefix=web", "nodes=1")
	refuses(t, "this workspace has 2 clusters, core, web: snapshot is about one of them\nhint: `mage snapshot name=b prefix=core`", Snapshot, "name=b")
	mustTarget(t, Snapshot, "name=b", "prefix=web")
	if all := snapshotsListed(t); len(all) != 2 || len(snapshotsListed(t, "prefix=web")) != 1 {
		t.Errorf("got %+v", all)
	}
}

func TestWhatRemoveIsOf(t *testing.T) {
	inClone(t)
	mustUp(t)
	refuses(t, "remove=true: etcd takes a member's id there\nhint: `mage etcd` shows the ids", Etcd, "remove=true")
	refuses(t, "remove=8e9e05c52164694d: of a snapshot it is true, and name= says which", Snapshots, "name=clean", "remove=8e9e05c52164694d")
	refuses(t, "the cluster core has no snapshots\nhint: `mage snapshot name=clean` makes one", Snapshots, "name=clean", "remove=true")
}
