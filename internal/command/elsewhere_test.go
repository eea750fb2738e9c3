//go:build cgo && libvirt_dlopen

package command

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/engine/local"
	"coreos-libvirt/internal/terminal/table"
)

// farAway is a fake: a libvirt that has nodes' files in a folder of its own, as one of another host would.
type farAway struct {
	*libvirt.Conn
	dir string
}

func (e farAway) Disks() engine.Disks { return farDisks{&local.Disks{}, e.dir} }

type farDisks struct {
	*local.Disks
	dir string
}

// Seen are the files' paths there. The node has a folder there.
func (d farDisks) Seen(node engine.Files) engine.Files {
	for _, path := range []*string{&node.Ignition, &node.Overlay, &node.Console} {
		folder := filepath.Join(d.dir, filepath.Base(filepath.Dir(*path)))
		_ = os.MkdirAll(folder, 0o755)
		*path = filepath.Join(folder, filepath.Base(*path))
	}
	return node
}

func (d farDisks) Look(ctx context.Context, node engine.Files, domain engine.Domain) (engine.Disk, error) {
	return d.Disks.Look(ctx, d.Seen(node), domain)
}

func (d farDisks) Prepare(ctx context.Context, node engine.Files, base string, gib int, further []engine.FurtherDisk) (engine.Prepared, error) {
	return d.Disks.Prepare(ctx, d.Seen(node), base, gib, further)
}

func (d farDisks) Add(ctx context.Context, node engine.Files, further engine.FurtherDisk) error {
	return d.Disks.Add(ctx, d.Seen(node), further)
}

func (d farDisks) Grow(ctx context.Context, node engine.Files, further engine.FurtherDisk) error {
	return d.Disks.Grow(ctx, d.Seen(node), further)
}

func (d farDisks) Sweep(node engine.Files) error { return d.Disks.Sweep(d.Seen(node)) }

func (d farDisks) Drop(node engine.Files, name string) error {
	return d.Disks.Drop(d.Seen(node), name)
}

func (d farDisks) WriteDocument(node engine.Files, document []byte) error {
	return d.Disks.WriteDocument(d.Seen(node), document)
}

func (d farDisks) Document(node engine.Files) ([]byte, error) {
	return d.Disks.Document(d.Seen(node))
}
func (d farDisks) Remove(node engine.Files) error   { return d.Disks.Remove(d.Seen(node)) }
func (d farDisks) Clear(node engine.Files) error    { return d.Disks.Clear(d.Seen(node)) }
func (d farDisks) BeginLog(node engine.Files) error { return d.Disks.BeginLog(d.Seen(node)) }
func (d farDisks) Log(node engine.Files) engine.Log { return d.Disks.Log(d.Seen(node)) }

// TestNodesWhoseFilesAreElsewhere: what a node is booted from and writes is where its engine has it. vm/ has what is noted of
// it, and what was rendered.
func TestNodesWhoseFilesAreElsewhere(t *testing.T) {
	inClone(t)
	there := t.TempDir()
	on := func(words ...string) *Run {
		r := run(t, words...)
		t.Cleanup(r.unlockAll)
		if _, err := r.libvirt(); err != nil {
			t.Fatal(err)
		}
		r.conn = farAway{r.daemon, there}
		return r
	}
	names := func(dir string) string {
		found, _ := filepath.Glob(filepath.Join(dir, "core01", "*"))
		for i := range found {
			found[i] = filepath.Base(found[i])
		}
		return strings.Join(found, " ")
	}
	for _, action := range []plan.Action{plan.Create, plan.Keep} {
		r := on("nodes=1")
		through(t, r.Claim, r.Fetch, r.Transpile, r.Discovery, r.Render, r.Define, r.Up)
		if steps := r.steps(); len(steps) != 1 || steps[0].Action != action {
			t.Errorf("want %s, got %+v", action, steps)
		}
		r.unlockAll()
	}
	if here := names("vm"); names(there) != "console.log core01.qcow2 ignition.json" || here != "defined.xml domain.xml ignition.json made.json" {
		t.Errorf("there are %s, and in vm/ %s", names(there), here)
	}
	rendered, err := os.ReadFile("vm/core01/ignition.json")
	given, errGiven := os.ReadFile(filepath.Join(there, "core01", "ignition.json"))
	if err := errors.Join(err, errGiven); err != nil || string(given) != string(rendered) {
		t.Errorf("the engine has %s, rendered was %s, %v", given, rendered, err)
	}
	if d := theDomain(t, "core01"); len(d.Disks) != 1 || d.Disks[0] != filepath.Join(there, "core01", "core01.qcow2") {
		t.Errorf("its disks are %v", d.Disks)
	}

	save(t, filepath.Join(there, "core01", "console.log"), "[ 1.0] Kernel panic - not syncing: why\n")
	r := on()
	if err := Logs(t.Context(), r); err != nil || r.said() != "[ 1.0] Kernel panic - not syncing: why\n" {
		t.Errorf("got %v\n%s", err, r.said())
	}
	if s := statusOf(t.Context(), r.reach(), []engine.Domain{theDomain(t, "core01")}); s[0].Failed != "the boot: [ 1.0] Kernel panic - not syncing: why" {
		t.Errorf("got %+v", s[0])
	}
	if err := on("archive=kept.tar.gz").Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("tar", "-xzOf", "kept.tar.gz", "core01/console.log").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "why") {
		t.Errorf("archived: got %v\n%s", err, out)
	}
	if names(there) != "" || names("vm") != "" {
		t.Errorf("left are %s, and in vm/ %s", names(there), names("vm"))
	}
}

// TestStatusShowsWhyANodeStandsStill: what nobody asked for, in both formats.
func TestStatusShowsWhyANodeStandsStill(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=1")
	d := theDomain(t, "core01")
	d.State, d.Reason = engine.Paused, "I/O error, vda: no space left where its file is"
	s := statusOf(t.Context(), run(t).reach(), []engine.Domain{d})
	var text, jsonText bytes.Buffer
	if err := errors.Join(statusTable(s).Print(&text), table.JSON(&jsonText, s)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "paused: "+d.Reason+" ") || !strings.Contains(jsonText.String(), `"state": "paused",`) ||
		!strings.Contains(jsonText.String(), `"reason": "`+d.Reason+`"`) {
		t.Errorf("got\n%s\n%s", text.String(), jsonText.String())
	}
}
