//go:build cgo && libvirt_dlopen

package command

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

const furtherOf = "vm/core01/core01-"

// wrote has a guest write to the node's further disk, and stillHas looks for that.
func wrote(t *testing.T, name, pattern string) {
	t.Helper()
	if out, err := exec.Command("qemu-io", "-c", "write -P "+pattern+" 0 64k", furtherOf+name+".qcow2").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func stillHas(t *testing.T, name, pattern string) {
	t.Helper()
	out, err := exec.Command("qemu-io", "-r", "-c", "read -P "+pattern+" 0 64k", furtherOf+name+".qcow2").CombinedOutput()
	if err != nil || strings.Contains(string(out), "failed") {
		t.Errorf("the disk %s has lost what was on it: %v\n%s", name, err, out)
	}
}

// furtherSized compares the sizes of the node's further disks, in GiB; 0 is none.
func furtherSized(t *testing.T, want map[string]int) {
	t.Helper()
	for name, gib := range want {
		out, err := exec.Command("qemu-img", "info", "-U", "--output=json", furtherOf+name+".qcow2").CombinedOutput()
		if gib == 0 && err == nil || gib > 0 && !strings.Contains(string(out), `"virtual-size": `+strconv.Itoa(gib<<30)) {
			t.Errorf("disk %s, want %d GiB: %v\n%s", name, gib, err, out)
		}
	}
}

// TestFurtherDisks come with a node, stay with it, grow, and go with it.
func TestFurtherDisks(t *testing.T) {
	inClone(t)
	t.Setenv("COREOS_NODES", "1")
	mustUp(t, "disks=data:2,log:1")
	furtherSized(t, map[string]int{"data": 2, "log": 1})
	d := theDomain(t, "core01")
	if len(d.Disks) != 3 || !strings.Contains(d.XML, "<serial>data</serial>") || d.Metadata.Disks != "data:2,log:1" {
		t.Errorf("got %v, %q\n%s", d.Disks, d.Metadata.Disks, d.XML)
	}
	plans(t, 0, unchanged)
	plans(t, 0, unchanged, "disks=log:1,data:2") // in whatever order
	stopAll(t)
	wrote(t, "data", "7")
	for words, want := range map[string]string{
		"disks=data:2": "core01 recreate needed defined, left as it is; disks= does not have log any more since it was made: `… recreate=changed` recreates it",
		"disks=none":   "core01 recreate needed defined, left as it is; disks= does not have data, log any more since it was made: `… recreate=changed` recreates it",
	} {
		plans(t, 2, want, words)
	}
	if said, err := up(t, "disks=data:1,log:1"); err == nil || !strings.Contains(err.Error(), "hint: disks=data:2,log:1 leaves them as they are, or `") {
		t.Errorf("a smaller disk: got %v\n%s", err, said)
	}
	plans(t, 2, "core01 redefine a further disk grows: disk data 2 → 3 GiB", "disks=data:3,log:1")
	mustUp(t, "disks=data:3,log:1")
	furtherSized(t, map[string]int{"data": 3, "log": 1})
	stillHas(t, "data", "7")
	plans(t, 0, unchanged)
	stopAll(t)
	plans(t, 2, "core01 redefine the domain's definition changed: disk more of 1 GiB is added", "disks=data:3,log:1,more:1")
	mustUp(t, "disks=data:3,log:1,more:1")
	stillHas(t, "data", "7")
	furtherSized(t, map[string]int{"data": 3, "log": 1, "more": 1})
	plans(t, 2, "core01 recreate as recreate= says; what is on its further disks goes, too: data, log, more", "recreate=core01", "disks=data:1")
	mustUp(t, "recreate=core01", "disks=data:1")
	furtherSized(t, map[string]int{"data": 1, "log": 0, "more": 0})
	mustUp(t, "recreate=core01") // says nothing of disks: as they were
	furtherSized(t, map[string]int{"data": 1})
	if d := theDomain(t, "core01"); d.Metadata.Disks != "data:1" {
		t.Errorf("got %q", d.Metadata.Disks)
	}
	downs(t)
	if left := folders(t); left != "" {
		t.Errorf("left are %s", left)
	}
}

func downs(t *testing.T) {
	t.Helper()
	r := run(t, "yes=true")
	defer r.unlockAll()
	if err := r.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestARunningNodeTakesDisks, or it is said what takes them: libvirt's test driver plugs no disks in, and resizes none.
func TestARunningNodeTakesDisks(t *testing.T) {
	inClone(t)
	t.Setenv("COREOS_NODES", "1")
	mustUp(t)
	plans(t, 2, redefined("disk data of 1 GiB is added")+"the running node takes it", "disks=data:1")
	ups(t, "core01: the running node does not take its disks, which takes effect with `mage restart`: ", "disks=data:1")
	plans(t, 0, unchanged+"; "+outdated("mage restart"), "disks=data:1")
	furtherSized(t, map[string]int{"data": 1})
	said, err := up(t, "disks=data:2")
	if err == nil || !strings.Contains(err.Error(), "core01: disk data does not grow to 2 GiB: ") || !strings.Contains(err.Error(), "hint: `mage stop node=core01`") {
		t.Errorf("got %v\n%s", err, said)
	}
	furtherSized(t, map[string]int{"data": 1})
}

// TestAFurtherDiskOutlivesMistakes: one that has data does not go because the node's first disk or its domain is gone.
func TestAFurtherDiskOutlivesMistakes(t *testing.T) {
	inClone(t)
	t.Setenv("COREOS_NODES", "1")
	mustUp(t, "disks=data:1")
	stopAll(t)
	wrote(t, "data", "7")
	if err := os.Rename(overlayOf("core01"), "kept"); err != nil {
		t.Fatal(err)
	}
	const bereft = "its disk is gone, and its further disk data has data"
	if _, err := up(t); err == nil || !strings.Contains(err.Error(), bereft) {
		t.Errorf("without its disk: got %v", err)
	}
	d := theDomain(t, "core01")
	if err := holderOf(t).Remove(d.UUID, d.Metadata.Workspace); err != nil {
		t.Fatal(err)
	}
	if _, err := up(t); err == nil || !strings.Contains(err.Error(), bereft) {
		t.Errorf("without its domain, too: got %v", err)
	}
	if said, err := down(t); err == nil || !strings.Contains(err.Error(), "vm/core01/core01-data.qcow2 has data, and there is no domain that it belongs to") {
		t.Errorf("down: got %v\n%s", err, said)
	}
	stillHas(t, "data", "7")
	if err := os.Rename("kept", overlayOf("core01")); err != nil {
		t.Fatal(err)
	}
	mustUp(t)
	stillHas(t, "data", "7")
	stopAll(t)
	if err := os.Rename(furtherOf+"data.qcow2", "kept"); err != nil {
		t.Fatal(err)
	}
	if _, err := up(t); err == nil || !strings.Contains(err.Error(), "core01: its disk data is gone: ") || !strings.Contains(err.Error(), "hint: put the file back, or `") {
		t.Errorf("without its further disk: got %v", err)
	}
}

// TestAnOlderTemplate has no place for what disks= and networks= ask for.
func TestAnOlderTemplate(t *testing.T) {
	inClone(t)
	const path = "templates/domain.xml.tmpl"
	text := contents(t, path)
	for _, part := range []string{".Disks", ".Cards"} {
		from, _, _ := strings.Cut(text, "{{- range "+part+"}}")
		rest := text[len(from):]
		_, rest, _ = strings.Cut(rest, "{{- end}}")
		text = from + rest
	}
	save(t, path, text)
	for word, want := range map[string]string{
		"disks=data:1":        "the domain template leaves the further disk data (disks=) out\nhint: copy the part {{range .Disks}} of the project's own template",
		"networks=bridge:br1": "the domain template leaves the further network card on br1 (networks=) out\nhint: copy the part {{range .Cards}} of the project's own template",
	} {
		if said, err := up(t, word); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v\n%s", word, err, said)
		}
	}
	mustUp(t) // without them it is as good as ever
}

// TestFurtherCards have addresses of their own, and stay as they are if nobody says otherwise.
func TestFurtherCards(t *testing.T) {
	inClone(t)
	t.Setenv("COREOS_NODES", "1")
	mustUp(t, "networks=bridge:br1,network:default")
	d := theDomain(t, "core01")
	if len(d.MACs) != 3 || d.MACs[0] != "52:54:00:d2:b8:64" || d.Link.Bridge != "br0" || d.Metadata.Networks != "bridge:br1,network:default" {
		t.Errorf("got %v, %+v, %q", d.MACs, d.Link, d.Metadata.Networks)
	}
	plans(t, 0, unchanged)
	plans(t, 2, redefined("networks bridge:br1,network:default → none")+needsARestart, "networks=none")
	mustUp(t, "recreate=core01")
	if again := theDomain(t, "core01"); strings.Join(again.MACs, " ") != strings.Join(d.MACs, " ") {
		t.Errorf("another address: %v, and %v", d.MACs, again.MACs)
	}
}

// TestKilledWhileDisksChange: a run that grows one disk and adds another is killed at each call that changes something. The next
// one completes, and what was on the disk is there.
func TestKilledWhileDisksChange(t *testing.T) {
	n := 0
	for killedWhileDisksChange(t, n) {
		n++
	}
	if n < 3 { // Add, Grow, Define
		t.Errorf("killed at %d points", n)
	}
}

func killedWhileDisksChange(t *testing.T, n int) (killed bool) {
	t.Run(strconv.Itoa(n), func(t *testing.T) {
		inClone(t)
		t.Setenv("COREOS_NODES", "1")
		mustUp(t, "disks=data:1")
		stopAll(t)
		wrote(t, "data", "7")
		t.Setenv("COREOS_DISKS", "data:2,log:1")
		r := run(t)
		killed = killedAt(t, n, r, r.Claim, r.Fetch, r.Transpile, r.Discovery, r.Render, r.Define)
		mustUp(t)
		furtherSized(t, map[string]int{"data": 2, "log": 1})
		stillHas(t, "data", "7")
		plans(t, 0, unchanged)
		downs(t)
		if left := folders(t); left != "" {
			t.Errorf("left are %s", left)
		}
	})
	return killed
}
