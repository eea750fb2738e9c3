//go:build cgo && libvirt_dlopen

package command

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/image/qcow2"
	"coreos-libvirt/internal/workspace"
)

// edit changes a domain's definition as `virsh edit` does.
func edit(t *testing.T, name, was, is string) {
	t.Helper()
	r := run(t)
	text := theDomain(t, name).XML
	if !strings.Contains(text, was) {
		t.Fatalf("no %s in\n%s", was, text)
	}
	if _, err := r.libvirt(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.conn.Define(strings.Replace(text, was, is, 1)); err != nil {
		t.Fatal(err)
	}
}

func stopAll(t *testing.T) {
	t.Helper()
	r := run(t, "grace=1s")
	defer r.unlockAll()
	if err := Stop(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

// editedAndChanged is how a node is told of whose definition somebody changed, and whose document the user did.
const editedAndChanged = "core01 start it does not run; ignition.json changed since it was made: `… recreate=core01` recreates it, without what somebody else changed\n" +
	"core01: somebody else changed its definition; `… redefine=true` overwrites that"

// TestSomebodyElsesChangesOutliveDrift: a node that never booted would be recreated without asking.
func TestSomebodyElsesChangesOutliveDrift(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=1")
	stopAll(t)
	edit(t, "core01", "<on_crash>preserve<", "<on_crash>destroy<")
	save(t, "plain.yml", strings.Replace(plain, "Node_Name", "Node_Number", 1))
	plans(t, 2, editedAndChanged, "nodes=1")
	plans(t, 2, editedAndChanged, "nodes=1", "recreate=changed")
	mustUp(t, "nodes=1")
	if text := theDomain(t, "core01").XML; !strings.Contains(text, "<on_crash>destroy<") {
		t.Errorf("the change is lost:\n%s", text)
	}
	mustUp(t, "nodes=1", "recreate=core01")
	plans(t, 0, "core01 unchanged defined, unchanged", "nodes=1")
}

// TestAnotherOrderIsAChange, but for controllers.
func TestAnotherOrderIsAChange(t *testing.T) {
	inClone(t)
	tmpl, _ := os.ReadFile("templates/domain.xml.tmpl")
	save(t, "templates/domain.xml.tmpl", strings.Replace(string(tmpl), "<boot dev='hd'/>", "<boot dev='hd'/><boot dev='network'/>", 1))
	mustUp(t, "nodes=1")
	edit(t, "core01", "<boot dev='hd'/>\n    <boot dev='network'/>", "<boot dev='network'/>\n    <boot dev='hd'/>")
	if said := mustUp(t, "nodes=1"); !strings.Contains(said, "somebody else changed its definition") {
		t.Errorf("got\n%s", said)
	}
}

// TestTheRecordOfADefinitionIsMadeUpFor: what a killed run has not noted is no change of somebody else's, and changes
// after that are seen.
func TestTheRecordOfADefinitionIsMadeUpFor(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=1")
	stale, err := os.ReadFile("vm/core01/defined.xml")
	if err != nil {
		t.Fatal(err)
	}
	mustUp(t, "nodes=1", "ram=512")
	for what, left := range map[string]func(){
		"one of before": func() { save(t, "vm/core01/defined.xml", string(stale)) },
		"none":          func() { _ = os.Remove("vm/core01/defined.xml") },
	} {
		left()
		if said := mustUp(t, "nodes=1", "ram=512"); strings.Contains(said, "somebody else") {
			t.Errorf("%s: got\n%s", what, said)
		}
		if text, err := os.ReadFile("vm/core01/defined.xml"); err != nil || string(text) == string(stale) {
			t.Errorf("%s: it is not made up for, %v", what, err)
		}
	}
	edit(t, "core01", "<on_crash>preserve<", "<on_crash>destroy<")
	if said := mustUp(t, "nodes=1", "ram=512"); !strings.Contains(said, "somebody else changed its definition") {
		t.Errorf("got\n%s", said)
	}
}

func TestARedefinedNodeNeedsARestart(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=1")
	mustUp(t, "nodes=1", "ram=512")
	const outdated = "it was started before its definition changed, which takes effect with `mage restart`"
	plans(t, 0, "core01 unchanged defined, unchanged; "+outdated, "nodes=1", "ram=512")
	if drift := drift(t.Context(), run(t).Settings, wouldDo(run(t, "nodes=1", "ram=512"), askQuick), warn)["core01"]; short(drift) != outdated {
		t.Errorf("status shows %q", drift)
	}
	plans(t, 2, "core01 redefine the domain's definition changed: ram 512 → 2048 MiB", "nodes=1", "ram=2048") // back to what it runs with
	mustUp(t, "nodes=1", "ram=2048")
	plans(t, 0, "core01 unchanged defined, unchanged", "nodes=1")
	mustUp(t, "nodes=1", "ram=512")
	stopAll(t)
	mustUp(t, "nodes=1", "ram=512")
	plans(t, 0, "core01 unchanged defined, unchanged", "nodes=1", "ram=512")
}

func TestWhatANodeIsMadeOf(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=1")
	const anew = " since it was made: `… recreate=changed` recreates it"
	plans(t, 0, "core01 unchanged defined, unchanged; disk= changed from 1 to 2"+anew, "nodes=1", "disk=2")
	sized(t, "newer.qcow2", "64")
	plans(t, 2, "core01 outdated defined, unchanged; the base image changed: base → newer"+anew, "nodes=1", "image=newer.qcow2")
	if said := mustUp(t, "nodes=1", "image=newer.qcow2"); !regexp.MustCompile("\\n1 node runs on another base image than new ones: .* recreate=changed\n$").MatchString(said) {
		t.Errorf("got\n%s", said)
	}
	if out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", "base.qcow2", "65M").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	here, _ := os.Getwd()
	plans(t, 0, "core01 unchanged defined, unchanged; the file "+here+"/base.qcow2 changed"+anew, "nodes=1")
	mustUp(t, "nodes=1", "recreate=changed")
	plans(t, 0, "core01 unchanged defined, unchanged", "nodes=1")
}

// TestWhatCannotBeMadeAnewStays: too small a disk is told by plan as by up, and no node is lost.
func TestWhatCannotBeMadeAnewStays(t *testing.T) {
	inClone(t)
	if out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", "large.qcow2", "2G").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Setenv("COREOS_NODES", "1")
	if err := run(t, "image=large.qcow2").Plan(t.Context()); err == nil || !strings.Contains(err.Error(), "disk=1 is smaller than the base image") {
		t.Errorf("plan: got %v", err)
	}
	mustUp(t)
	bootDomain(t, "core01")
	intact := func(what string, err error) {
		t.Helper()
		if err == nil {
			t.Errorf("%s: no error", what)
		}
		keepsData(t, "core01")
		if d := theDomain(t, "core01"); d.State != engine.Running {
			t.Errorf("%s: the node is %s", what, d.State)
		}
		if left, _ := filepath.Glob("vm/core01/*.new"); workspace.Exists("vm/core01/leaving") || len(left) > 0 {
			t.Errorf("%s: something is left", what)
		}
	}
	_, err := up(t, "recreate=core01", "image=large.qcow2")
	intact("too small a disk", err)
	tmpl, _ := os.ReadFile("templates/domain.xml.tmpl")
	save(t, "templates/domain.xml.tmpl", strings.Replace(string(tmpl), "type='virtio'", "type='nothing of that kind'", 1))
	_, err = up(t, "recreate=core01")
	intact("a definition that libvirt refuses", err)
	save(t, "templates/domain.xml.tmpl", string(tmpl))
	mustUp(t)
	keepsData(t, "core01")
}

// TestARunThatFindsNothingToDoAsksLittle: ten calls of libvirt's a node at most. A run that takes longer than its list counts lists again.
func TestARunThatFindsNothingToDoAsksLittle(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=3")
	r := run(t, "nodes=3")
	defer r.unlockAll()
	begin := time.Now()
	through(t, r.Preflight, r.Claim, r.Fetch, r.Transpile, r.Discovery, r.Render, r.Define, r.Up)
	again, calls := int64(time.Since(begin)/listCounts), r.daemon.Calls()
	if _, err := r.daemon.Domains(); err != nil {
		t.Fatal(err)
	}
	if list := r.daemon.Calls() - calls; calls < 3*3 || calls > 10*3+again*list {
		t.Errorf("%d calls, %d of them for a list, which may have been made again %d times", calls, list, again)
	}
}

// TestPlanTellsOfAMemberThatMayBeMadeAnew: as up does where no run has come to its end since the node was made.
func TestPlanTellsOfAMemberThatMayBeMadeAnew(t *testing.T) {
	inClone(t)
	save(t, "plain.yml", strings.Replace(plain, "Node_Name", "Etcd_Discovery_Flags", 1))
	t.Setenv("COREOS_NODES", "1")
	t.Setenv("COREOS_DISCOVERY", "srv:example.org")
	mustUp(t)
	plans(t, 0, "core01 unchanged defined, unchanged")
	save(t, "vm/core01/fresh", "")
	plans(t, 0, "core01 unchanged defined, unchanged; no run has come to its end since it was made: if it is not a member of etcd yet, it is recreated as one")
}

// sized makes an image of that many MiB.
func sized(t *testing.T, path, mib string) {
	t.Helper()
	if out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", path, mib+"M").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// diskSize is the GiB of the node's overlay, and what its domain's metadata tell of it.
func diskSize(t *testing.T, node string) (overlay int64, noted int) {
	t.Helper()
	info, err := qcow2.Inspect(t.Context(), overlayOf(node))
	if err != nil {
		t.Fatal(err)
	}
	return info.VirtualSize >> 30, theDomain(t, node).Metadata.Disk
}

// TestADiskIsAsLargeAsTheImage where nobody says how large: of 10 GiB at least, and Flatcar's of 12.24 GiB gets 13.
func TestADiskIsAsLargeAsTheImage(t *testing.T) {
	inClone(t)
	t.Setenv("COREOS_NODES", "1")
	t.Setenv("COREOS_DISK", "auto")
	sized(t, "flatcar.qcow2", "12534")
	plans(t, 2, "core01 create new", "image=flatcar.qcow2")
	mustUp(t)
	if overlay, noted := diskSize(t, "core01"); overlay != 10 || noted != 10 {
		t.Errorf("of an image of 64 MiB: %d GiB, noted as %d", overlay, noted)
	}
	for word, want := range map[string]string{"": "", "disk=10": "", "disk=": "", "disk=11": "; disk= changed from 10 to 11 since it was made: `… recreate=changed` recreates it"} {
		words := strings.Fields(word)
		plans(t, 0, "core01 unchanged defined, unchanged"+want, words...)
	}
	const larger = "image=flatcar.qcow2"
	plans(t, 2, "core01 outdated defined, unchanged; the base image changed: base → flatcar since it was made: `… recreate=changed` recreates it", larger)
	mustUp(t, larger, "ram=512") // redefined, it keeps its disk
	if overlay, noted := diskSize(t, "core01"); overlay != 10 || noted != 10 {
		t.Errorf("of a node that is kept: %d GiB, noted as %d", overlay, noted)
	}
	if _, err := up(t, larger, "recreate=changed", "disk=12"); err == nil || !strings.Contains(err.Error(), "hint: disk=13 or more, or no disk=") {
		t.Errorf("got %v", err)
	}
	mustUp(t, larger, "recreate=changed")
	if overlay, noted := diskSize(t, "core01"); overlay != 13 || noted != 13 {
		t.Errorf("of an image of 12.24 GiB: %d GiB, noted as %d", overlay, noted)
	}
	plans(t, 0, "core01 unchanged defined, unchanged", larger)
	mustUp(t, larger, "recreate=all")
	if overlay, noted := diskSize(t, "core01"); overlay != 13 || noted != 13 {
		t.Errorf("of a new generation: %d GiB, noted as %d", overlay, noted)
	}
}
