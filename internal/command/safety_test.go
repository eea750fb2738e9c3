//go:build cgo && libvirt_dlopen

package command

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
)

// bootDomain is what a guest does to its disk.
func bootDomain(t testing.TB, name string) {
	t.Helper()
	if out, err := exec.Command("qemu-io", "-c", "write -P 7 0 64k", overlayOf(name)).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func overlayOf(name string) string { return filepath.Join("vm", name, name+".qcow2") }

// keepsData compares a disk with what boot wrote.
func keepsData(t *testing.T, name string) {
	t.Helper()
	out, err := exec.Command("qemu-io", "-U", "-r", "-c", "read -P 7 0 64k", overlayOf(name)).CombinedOutput()
	if err != nil || strings.Contains(string(out), "failed") {
		t.Errorf("%s has lost its data: %v\n%s", name, err, out)
	}
}

// lost takes a node's domain away and leaves its folder, as `virsh undefine` does.
func lost(t *testing.T, name string) {
	t.Helper()
	r := run(t)
	d := theDomain(t, name)
	if _, err := r.libvirt(); err != nil {
		t.Fatal(err)
	}
	if err := r.conn.Remove(d.UUID, r.Workspace); err != nil {
		t.Fatal(err)
	}
}

func theDomain(t *testing.T, name string) engine.Domain {
	t.Helper()
	domains, err := run(t).domains()
	if err != nil {
		t.Fatal(err)
	}
	return domains[name]
}

// folders are the entries of vm/ but locks and what says which workspace this is.
func folders(t *testing.T) string {
	t.Helper()
	entries, err := os.ReadDir("vm")
	if err != nil {
		t.Fatal(err)
	}
	left := []string{}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), ".lock.") && entry.Name() != ".workspace" {
			left = append(left, entry.Name())
		}
	}
	return strings.Join(left, " ")
}

// elsewhere is another libvirt: the same driver with a host of its own.
func elsewhere(t *testing.T) string {
	t.Helper()
	save(t, "host.xml", "<node/>")
	path, _ := filepath.Abs("host.xml")
	return "uri=test://" + path
}

func TestAnotherLibvirtTakesNothingAway(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=1")
	bootDomain(t, "core01")
	before := snapshot(t)
	other := elsewhere(t)
	if said, err := up(t, "nodes=1", other); err == nil || !strings.Contains(err.Error(), "core01: vm/core01 was made for the libvirt at test:///default") || !strings.Contains(err.Error(), "\nhint: uri=test:///default") {
		t.Errorf("up: got %v\n%s", err, said)
	}
	for _, words := range [][]string{{other}, {other, "prefix=core"}} {
		if said, err := down(t, words...); err == nil || !strings.Contains(err.Error(), "core01: vm/core01 was made for the libvirt at test:///default") {
			t.Errorf("down: got %v\n%s", err, said)
		}
	}
	if after := snapshot(t); after != before {
		t.Errorf("vm/ changed:\n%s\n%s", before, after)
	}
	t.Setenv("COREOS_LAB", "1")
	if said, err := down(t); err != nil || theDomain(t, "core01").Name != "" { // its domain is there
		t.Errorf("got %v\n%s", err, said)
	}
}

// TestWhatWasInALab is the lab's until that is taken apart, and nobody's then.
func TestWhatWasInALab(t *testing.T) {
	inClone(t)
	t.Setenv("COREOS_LAB", "1")
	mustUp(t, "nodes=1", "image=base.qcow2")
	bootDomain(t, "core01")
	lost(t, "core01")
	if err := os.Unsetenv("COREOS_LAB"); err != nil {
		t.Fatal(err)
	}
	if said, err := up(t, "nodes=1"); err == nil || !strings.Contains(err.Error(), "for the libvirt at lab test:///default") || !strings.Contains(err.Error(), "\nhint: `mage lab down`") {
		t.Errorf("got %v\n%s", err, said)
	}
	keepsData(t, "core01")
	if err := goneWithLab(run(t).at()); err != nil {
		t.Fatal(err)
	}
	mustUp(t, "nodes=1")
	if out, _ := exec.Command("qemu-io", "-U", "-r", "-c", "read -P 7 0 64k", overlayOf("core01")).CombinedOutput(); !strings.Contains(string(out), "failed") {
		t.Errorf("it is the lab's disk:\n%s", out)
	}
}

func TestADiskWithDataOutlivesItsDomain(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=1")
	bootDomain(t, "core01")
	lost(t, "core01")
	if said, err := down(t); err == nil || !strings.Contains(err.Error(), "core01: vm/core01/core01.qcow2 has data, and there is no domain that it belongs to; it is left alone\nhint: rm -r \"vm/core01\"") {
		t.Errorf("got %v\n%s", err, said)
	}
	keepsData(t, "core01")
	save(t, "plain.yml", strings.Replace(plain, "Node_Name", "Node_Number", 1))
	plans(t, 2, "core01 redefine its domain is gone, its disk is kept; ignition.json changed since it was made: `… recreate=changed` recreates it", "nodes=1")
	save(t, "plain.yml", plain)
	if said := mustUp(t, "nodes=1"); !strings.Contains(said, "core01: redefined, its domain is gone, its disk is kept") || !strings.Contains(said, "core01: booting") {
		t.Errorf("got\n%s", said)
	}
	keepsData(t, "core01")
	plans(t, 0, "core01 unchanged defined, unchanged", "nodes=1")

	lost(t, "core01")
	save(t, "vm/core01/domain.xml", "<nothing")
	if said, err := up(t, "nodes=1"); err == nil || !strings.Contains(err.Error(), "core01: vm/core01/core01.qcow2: this disk has data, but no domain uses it") || !strings.Contains(err.Error(), "\nhint: `mage up prefix=core recreate=core01`") {
		t.Errorf("got %v\n%s", err, said)
	}
	keepsData(t, "core01")
	if said := mustUp(t, "nodes=1", "recreate=core01"); !strings.Contains(said, "core01: recreated") {
		t.Errorf("got\n%s", said)
	}
}

// TestANodeThatFailsKeepsADiskOfBefore: what this run has not made it does not take back.
func TestANodeThatFailsKeepsADiskOfBefore(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=1")
	bootDomain(t, "core01")
	lost(t, "core01")
	if err := os.Remove("vm/core01/console.log"); err != nil {
		t.Fatal(err)
	}
	save(t, "vm/core01/console.log/x", "a folder where a file should be")
	if said, err := up(t, "nodes=1"); err == nil || !strings.Contains(said, "core01: taken back") {
		t.Errorf("got %v\n%s", err, said)
	}
	keepsData(t, "core01")
	if theDomain(t, "core01").Name != "" {
		t.Error("the domain that this run has defined is left")
	}
	if err := os.RemoveAll("vm/core01/console.log"); err != nil {
		t.Fatal(err)
	}
	mustUp(t, "nodes=1")
	keepsData(t, "core01")
}

// TestWhatARunHadBegunToRemoveGoes: killed between removing the domain and its disk.
func TestWhatARunHadBegunToRemoveGoes(t *testing.T) {
	inClone(t)
	killed := func() {
		t.Helper()
		mustUp(t)
		bootDomain(t, "core01")
		r := run(t)
		if err := r.members()[0].MarkLeaving(); err != nil {
			t.Fatal(err)
		}
		lost(t, "core01")
	}
	killed()
	if said := mustUp(t); !strings.Contains(said, "core01: defined, an overlay without a domain is recreated") {
		t.Errorf("got\n%s", said)
	}
	if workspace.Exists("vm/core01/leaving") {
		t.Error("the mark is left")
	}
	killed()
	mustDown(t)
	if left := folders(t); left != "" {
		t.Errorf("left are %s", left)
	}
	mustUp(t, "nodes=1")
	bootDomain(t, "core01")
	save(t, "vm/core01/leaving", "") // killed before the domain was removed
	mustUp(t, "nodes=1")
	lost(t, "core01")
	mustUp(t, "nodes=1")
	keepsData(t, "core01")
}

func TestUmaskDoesNotMatter(t *testing.T) {
	for _, umask := range []int{0o077, 0} {
		t.Run(fmt.Sprintf("%03o", umask), func(t *testing.T) {
			inClone(t)
			old := syscall.Umask(umask)
			_, err := up(t, "nodes=1")
			syscall.Umask(old)
			if err != nil {
				t.Fatal(err)
			}
			for path, want := range map[string]os.FileMode{
				"vm": 0o755, "vm/core01": 0o755, overlayOf("core01"): 0o600, "vm/core01/domain.xml": 0o600, "vm/core01/defined.xml": 0o600,
				"vm/core01/ignition.json": 0o600, "vm/core01/console.log": 0o600,
			} {
				if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
					t.Errorf("%s is %v, %v", path, info.Mode(), err)
				}
			}
		})
	}
}

// TestARunThatOnlyLooksHasNoWayToChangeAnything, also if its connection was made before.
func TestARunThatOnlyLooksHasNoWayToChangeAnything(t *testing.T) {
	inClone(t)
	mustUp(t)
	defer mustDown(t)
	r := run(t)
	if _, err := r.libvirt(); err != nil {
		t.Fatal(err)
	}
	for _, dry := range []*Run{dry(r), dry(run(t))} {
		on, err := opened(dry)
		if err != nil {
			t.Fatal(err)
		}
		if err := on.Destroy("core01"); !errors.Is(err, engine.ErrReadOnly) {
			t.Errorf("got %v", err)
		}
		if out := dry.applier(nil).Define(t.Context(), []plan.Step{{Node: r.members()[0], Action: plan.Create}}); len(out.Failed) != 1 || !errors.Is(out.Failed[0], engine.ErrReadOnly) {
			t.Errorf("got %+v", out)
		}
	}
	if err := Status(t.Context(), r); err != nil {
		t.Error(err)
	}
	if err := r.conn.Destroy("core01"); !errors.Is(err, engine.ErrReadOnly) {
		t.Errorf("after status: got %v", err)
	}
}
