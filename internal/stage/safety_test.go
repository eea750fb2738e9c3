//go:build cgo && libvirt_dlopen

package stage

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"coreos-libvirt/internal/cluster"
)

// down is `mage down`, and what it printed.
func down(t testing.TB, words ...string) (string, error) {
	t.Helper()
	r := run(t, words...)
	defer r.unlockAll()
	err := r.Down(t.Context())
	return r.said(), err
}

func mustDown(t testing.TB, words ...string) string {
	t.Helper()
	said, err := down(t, words...)
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	return said
}

// boot is what a guest does to its disk.
func boot(t testing.TB, name string) {
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

func theDomain(t *testing.T, name string) cluster.Domain {
	t.Helper()
	domains, err := run(t).domains()
	if err != nil {
		t.Fatal(err)
	}
	return domains[name]
}

// folders are the entries of vm/ but locks.
func folders(t *testing.T) string {
	t.Helper()
	entries, err := os.ReadDir("vm")
	if err != nil {
		t.Fatal(err)
	}
	left := []string{}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), ".lock.") {
			left = append(left, entry.Name())
		}
	}
	return strings.Join(left, " ")
}

func TestDownOfAPrefixThatBeginsAnother(t *testing.T) {
	workspace(t)
	mustUp(t, "prefix=web1", "nodes=1")
	mustUp(t, "prefix=web", "nodes=1")
	boot(t, "web101")
	if run(t, "prefix=web1").anyOverlay() != true || run(t, "prefix=we").anyOverlay() {
		t.Error("whose node is web101?")
	}
	if err := os.RemoveAll("vm/web01"); err != nil {
		t.Fatal(err)
	}
	if run(t, "prefix=web").anyOverlay() {
		t.Error("web101 is a node of web1")
	}
	save(t, "vm/web102/ignition.json", "{}") // rendered only: of web's 102nd node, or of web1's second
	save(t, "vm/notes2024/todo", "mine")
	mustDown(t, "prefix=web")
	if left := folders(t); left != "ignition-template.json notes2024 timeline.web1.json web101 web102" {
		t.Errorf("left are %s", left)
	}
	keepsData(t, "web101")
	if theDomain(t, "web101").Name == "" || theDomain(t, "web01").Name != "" {
		t.Error("the wrong domain was removed")
	}
	mustDown(t)
	if left := folders(t); left != "notes2024" {
		t.Errorf("left are %s", left)
	}
}

// elsewhere is another libvirt: the same driver with a host of its own.
func elsewhere(t *testing.T) string {
	t.Helper()
	save(t, "host.xml", "<node/>")
	path, _ := filepath.Abs("host.xml")
	return "uri=test://" + path
}

func TestAnotherLibvirtTakesNothingAway(t *testing.T) {
	workspace(t)
	mustUp(t, "nodes=1")
	boot(t, "core01")
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
	workspace(t)
	t.Setenv("COREOS_LAB", "1")
	mustUp(t, "nodes=1", "image=base.qcow2")
	boot(t, "core01")
	lost(t, "core01")
	if err := os.Unsetenv("COREOS_LAB"); err != nil {
		t.Fatal(err)
	}
	if said, err := up(t, "nodes=1"); err == nil || !strings.Contains(err.Error(), "for the libvirt at lab test:///default") || !strings.Contains(err.Error(), "\nhint: `mage lab down`") {
		t.Errorf("got %v\n%s", err, said)
	}
	keepsData(t, "core01")
	if err := run(t).goneWithLab(); err != nil {
		t.Fatal(err)
	}
	mustUp(t, "nodes=1")
	if out, _ := exec.Command("qemu-io", "-U", "-r", "-c", "read -P 7 0 64k", overlayOf("core01")).CombinedOutput(); !strings.Contains(string(out), "failed") {
		t.Errorf("it is the lab's disk:\n%s", out)
	}
}

func TestADiskWithDataOutlivesItsDomain(t *testing.T) {
	workspace(t)
	mustUp(t, "nodes=1")
	boot(t, "core01")
	lost(t, "core01")
	if said, err := down(t); err == nil || !strings.Contains(err.Error(), "core01: vm/core01/core01.qcow2 has data, and there is no domain that it belongs to; it is left alone\nhint: rm -r \"vm/core01\"") {
		t.Errorf("got %v\n%s", err, said)
	}
	keepsData(t, "core01")
	save(t, "plain.yml", strings.Replace(plain, "Node_Name", "Node_Number", 1))
	plans(t, 2, "core01 redefine its domain is gone, its disk is kept; ignition.json changed since it was made: recreate=changed makes it anew", "nodes=1")
	save(t, "plain.yml", plain)
	if said := mustUp(t, "nodes=1"); !strings.Contains(said, "core01: redefined, its domain is gone, its disk is kept") || !strings.Contains(said, "core01: booting") {
		t.Errorf("got\n%s", said)
	}
	keepsData(t, "core01")
	plans(t, 0, "core01 unchanged defined, unchanged", "nodes=1")

	lost(t, "core01")
	save(t, "vm/core01/domain.xml", "<nothing")
	if said, err := up(t, "nodes=1"); err == nil || !strings.Contains(err.Error(), "core01: vm/core01/core01.qcow2 has data, and there is neither") || !strings.Contains(err.Error(), "\nhint: recreate=core01") {
		t.Errorf("got %v\n%s", err, said)
	}
	keepsData(t, "core01")
	if said := mustUp(t, "nodes=1", "recreate=core01"); !strings.Contains(said, "core01: made anew") {
		t.Errorf("got\n%s", said)
	}
}

// TestANodeThatFailsKeepsADiskOfBefore: what this run has not made it does not take back.
func TestANodeThatFailsKeepsADiskOfBefore(t *testing.T) {
	workspace(t)
	mustUp(t, "nodes=1")
	boot(t, "core01")
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
	workspace(t)
	killed := func() {
		t.Helper()
		mustUp(t)
		boot(t, "core01")
		r := run(t)
		if err := mark(r.members()[0]); err != nil {
			t.Fatal(err)
		}
		lost(t, "core01")
	}
	killed()
	if said := mustUp(t); !strings.Contains(said, "core01: defined, an overlay without a domain is made anew") {
		t.Errorf("got\n%s", said)
	}
	if exists("vm/core01/leaving") {
		t.Error("the mark is left")
	}
	killed()
	mustDown(t)
	if left := folders(t); left != "" {
		t.Errorf("left are %s", left)
	}
	mustUp(t, "nodes=1")
	boot(t, "core01")
	save(t, "vm/core01/leaving", "") // killed before the domain was removed
	mustUp(t, "nodes=1")
	lost(t, "core01")
	mustUp(t, "nodes=1")
	keepsData(t, "core01")
}

func foreignDomain(t *testing.T, name, uuid string) *Run {
	t.Helper()
	r := run(t)
	if _, err := r.libvirt(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.conn.Define("<domain type='test'><name>" + name + "</name><uuid>" + uuid + "</uuid><memory unit='MiB'>64</memory><os><type>hvm</type></os></domain>"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // it takes metadata to remove it
		mark, _ := cluster.Metadata{Workspace: r.Workspace}.Element()
		_, _ = r.conn.Define("<domain type='test'><name>" + name + "</name><uuid>" + uuid + "</uuid><metadata>" + mark + "</metadata><memory unit='MiB'>64</memory><os><type>hvm</type></os></domain>")
		_ = r.conn.Remove(uuid, r.Workspace)
	})
	return r
}

// TestSomebodyElseIsFaster: a domain of the node's name that comes while the run is on its way.
func TestSomebodyElseIsFaster(t *testing.T) {
	const uuid = "1c0b0ed3-8e5e-5b4e-9c0c-00000000000b"
	workspace(t)
	r := run(t, "nodes=1")
	defer r.unlockAll()
	for _, stage := range []func(context.Context) error{r.Claim, r.Fetch, r.Transpile, r.Discovery, r.Render} {
		if err := stage(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	steps, err := r.plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	foreignDomain(t, "core01", uuid)
	if err := r.define(t.Context(), steps[0]); err == nil {
		t.Error("it was defined")
	}
	if err := r.undo(steps[0]); err != nil {
		t.Error(err)
	}
	if d := theDomain(t, "core01"); d.UUID != uuid {
		t.Errorf("somebody else's domain was removed: %+v", d)
	}
}

func TestNothingIsMadeWhereSomethingIsInTheWay(t *testing.T) {
	workspace(t)
	foreignDomain(t, "core02", "1c0b0ed3-8e5e-5b4e-9c0c-00000000000c")
	if said, err := up(t); err == nil || !strings.Contains(err.Error(), "core02: libvirt has a domain of this name that this project did not make") {
		t.Errorf("got %v\n%s", err, said)
	}
	if left := folders(t); left != "" {
		t.Errorf("made were %s", left)
	}
}

func TestADiskBehindASymbolicLink(t *testing.T) {
	workspace(t)
	save(t, overlayOf("core02"), "somebody else's")
	here, _ := os.Getwd()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(here, link); err != nil {
		t.Fatal(err)
	}
	r := foreignDomain(t, "other", "1c0b0ed3-8e5e-5b4e-9c0c-00000000000a")
	if _, err := r.conn.Define("<domain type='test'><name>other</name><uuid>1c0b0ed3-8e5e-5b4e-9c0c-00000000000a</uuid><memory unit='MiB'>64</memory><os><type>hvm</type></os><devices><disk type='file' device='disk'><source file='" + filepath.Join(link, overlayOf("core02")) + "'/><target dev='vda'/></disk></devices></domain>"); err != nil {
		t.Fatal(err)
	}
	if _, err := up(t); err == nil || !strings.Contains(err.Error(), "belongs to the domain other") {
		t.Errorf("got %v", err)
	}
}

func TestUmaskDoesNotMatter(t *testing.T) {
	for _, umask := range []int{0o077, 0} {
		t.Run(fmt.Sprintf("%03o", umask), func(t *testing.T) {
			workspace(t)
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

func TestDownSaysWhatGoesAndShowsAllErrors(t *testing.T) {
	workspace(t)
	mustUp(t)
	boot(t, "core01")
	boot(t, "core02")
	said := mustDown(t)
	goes := strings.Index(said, "core01: goes: its domain, running; its disk, ")
	if removed := strings.Index(said, "domain removed"); goes < 0 || removed < goes {
		t.Errorf("got\n%s", said)
	}
	mustUp(t)
	boot(t, "core01")
	boot(t, "core02")
	lost(t, "core01")
	lost(t, "core02")
	_, err := down(t)
	if err == nil || !strings.Contains(err.Error(), "core01: ") || !strings.Contains(err.Error(), "core02: ") {
		t.Errorf("got %v", err)
	}
}

func TestTheArchiveHasNodesThatWereTakenBack(t *testing.T) {
	workspace(t)
	mustUp(t, "nodes=1")
	lost(t, "core01")
	for _, path := range []string{overlayOf("core01"), "vm/core01/domain.xml", "vm/core01/defined.xml"} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	save(t, "vm/core01/console.log", "why it failed")
	mustDown(t, "archive=kept.tar.gz")
	out, err := exec.Command("tar", "-xzOf", "kept.tar.gz", "core01/console.log").CombinedOutput()
	if err != nil || string(out) != "why it failed" {
		t.Errorf("got %v\n%s", err, out)
	}
}

func TestDownOfAllWaitsForAllClusters(t *testing.T) {
	workspace(t)
	save(t, "vm/.lock.rendered", "1\n")
	r := run(t)
	defer r.unlockAll()
	domains, err := r.domains()
	if got := r.prefixes(domains); err != nil || !slices.Contains(got, "rendered") {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestTheHoldersSecretsAreNotShown(t *testing.T) {
	for word, want := range map[string]string{
		"discovery_user=me:secret": "discovery_user=…", "var.Registry_Password=x": "var.Registry_Password=…", "nodes=3": "nodes=3", "up": "up",
	} {
		if got := masked(word); got != want {
			t.Errorf("%s: got %s", word, got)
		}
	}
}

// TestAnImageOfADiskThatCannotBeRead is in use: a running node's disk is its own user's.
func TestAnImageOfADiskThatCannotBeRead(t *testing.T) {
	workspace(t)
	mustUp(t, "nodes=1", "image="+stocked(t, "fcos-stable", "43.1.3.0"))
	save(t, overlayOf("core01"), "not to be read")
	r := run(t)
	domains, err := r.imageDomains()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := r.images().List()
	if err != nil || len(entries) != 1 {
		t.Fatalf("got %v, %v", entries, err)
	}
	users, err := r.images().Users(t.Context(), entries, domains)
	if got := users[entries[0].Path]; err != nil || len(got) != 1 || filepath.Base(got[0]) != "core01.qcow2" {
		t.Errorf("got %v, %v", users, err)
	}
	if said, err := prune(t); err != nil || !strings.Contains(said, "nothing to remove") {
		t.Errorf("got %v\n%s", err, said)
	}
}
