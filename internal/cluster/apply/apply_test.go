package apply

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
)

// bed is an engine that notes what is done in which order, and fails at what it is told to.
type bed struct {
	engine.Engine // nil: nothing else is asked
	node          workspace.Node
	done          []string
	fails         string
	said          []string
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{node: workspace.NodeAt(t.TempDir(), "core", 1)}
	if err := os.MkdirAll(b.node.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bed) applier() Applier {
	return Applier{
		Engine: b, Workspace: workspace.Workspace{Root: "/w"}, Begun: &Begun{},
		Before:  map[string]engine.Domain{"core01": {Name: "core01", Metadata: &engine.Metadata{Ignition: "old"}}},
		Say:     func(format string, args ...any) { b.said = append(b.said, fmt.Sprintf(format, args...)) },
		Reached: func(string, string) {}, Forget: func(string) error { return b.do("forget") },
	}
}

// do notes that it is done, with the marks that there are by then.
func (b *bed) do(what string) error {
	if b.fails == what {
		return errors.New(what + " fails")
	}
	marked := what
	if workspace.Exists(b.node.Leaving()) {
		marked += ", leaving"
	}
	b.done = append(b.done, marked)
	return nil
}

func (b *bed) Define(text string) (string, error) { return "made of " + text, b.do("define " + text) }
func (b *bed) Remove(string, ...string) error     { return b.do("remove") }
func (b *bed) Disks() engine.Disks                { return bedDisks{b: b} }

// bedDisks are files, each a word.
type bedDisks struct {
	engine.Disks
	b *bed
}

func (d bedDisks) Prepare(_ context.Context, node engine.Files, _ string, _ int, _ []engine.FurtherDisk) (engine.Prepared, error) {
	if err := d.b.do("prepare"); err != nil {
		return nil, err
	}
	return bedDisk{d.b, node}, os.WriteFile(node.Overlay+".new", []byte("new"), 0o600)
}

func (d bedDisks) Sweep(engine.Files) error { return d.b.do("sweep") }

func (bedDisks) Seen(node engine.Files) engine.Files { return node }

func (d bedDisks) Remove(node engine.Files) error {
	return errors.Join(d.b.do("remove disk"), os.RemoveAll(node.Overlay))
}

func (d bedDisks) WriteDocument(_ engine.Files, document []byte) error {
	return d.b.do("document " + string(document))
}

type bedDisk struct {
	b    *bed
	node engine.Files
}

func (d bedDisk) Place() error {
	if err := d.b.do("place"); err != nil {
		return err
	}
	return os.Rename(d.node.Overlay+".new", d.node.Overlay)
}

func (d bedDisk) Discard() error { return os.RemoveAll(d.node.Overlay + ".new") }

// asWord is a definition that is its mark's digest of Ignition.
type asWord struct{}

func (asWord) Digest() string { return "" }

func (asWord) With(mark engine.Metadata) (string, error) { return mark.Ignition, nil }

// left are the node's files.
func (b *bed) left(t *testing.T) string {
	t.Helper()
	names := []string{}
	entries, err := os.ReadDir(b.node.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, filepath.Base(entry.Name()))
	}
	return strings.Join(names, " ")
}

// TestTheOrderOfRecreating, and what is left where it ends.
func TestTheOrderOfRecreating(t *testing.T) {
	whole := []string{"prepare", "define old", "remove, leaving", "forget, leaving", "document {}, leaving", "place, leaving", "define new"}
	const all = "core01.qcow2 defined.xml domain.xml fresh ignition.json made.json"
	for _, c := range []struct {
		fails, left string
		done        int // of whole
		more        []string
	}{
		{"", all, 7, nil},
		{"prepare", "core01.qcow2 ignition.json", 0, nil},
		{"define old", "core01.qcow2 ignition.json", 1, nil}, // the engine refuses the new definition: the old node goes on
		{"remove", "core01.qcow2 defined.xml ignition.json leaving", 2, nil},
		{"document {}", "core01.qcow2 ignition.json leaving", 4, nil},
		{"place", "core01.qcow2 ignition.json leaving", 5, nil},
		{"define new", "ignition.json", 6, []string{"remove disk"}},
	} {
		b := newBed(t)
		b.fails = c.fails
		for path, text := range map[string]string{b.node.Overlay(): "old", b.node.Ignition(): "{}"} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		step := plan.Step{Node: b.node, Action: plan.Create, XML: "new"}
		err := b.applier().Recreate(t.Context(), New{step, asWord{}})
		if (err != nil) != (c.fails != "") {
			t.Errorf("%s: got %v", c.fails, err)
		}
		if want := append(slices.Clone(whole[:c.done]), c.more...); !slices.Equal(b.done, want) {
			t.Errorf("%s: done were %q, want %q", c.fails, b.done, want)
		}
		if left := b.left(t); left != c.left {
			t.Errorf("%s: left are %s, want %s", c.fails, left, c.left)
		}
	}
}

// TestWhatFailsIsTakenBack, and the other nodes are made.
func TestWhatFailsIsTakenBack(t *testing.T) {
	b := newBed(t)
	b.fails = "define bad"
	other := workspace.NodeAt(t.TempDir(), "core", 2)
	if err := os.MkdirAll(other.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	a := b.applier()
	a.Before = nil
	out := a.Define(t.Context(), []plan.Step{{Node: b.node, Action: plan.Create, XML: "bad"}})
	if len(out.Made) != 0 || len(out.Failed) != 1 || out.Failed[0].Error() != "core01: define bad fails" || b.left(t) != "" {
		t.Errorf("got %+v, left are %s", out, b.left(t))
	}
	out = a.Define(t.Context(), []plan.Step{{Node: b.node, Action: plan.Recreate}, {Node: other, Action: plan.Create, XML: "good"}})
	if len(out.Made) != 2 || len(out.Failed) != 0 {
		t.Errorf("got %+v", out)
	}
}

// TestAnEngineThatChangesNoRunningNode leaves it to the next start.
func TestAnEngineThatChangesNoRunningNode(t *testing.T) {
	b := newBed(t)
	step := plan.Step{Node: b.node, Action: plan.Redefine, XML: "new", Running: true, Effect: plan.Effect{Live: engine.Live{VCPUs: 2}}}
	if out := b.applier().Define(t.Context(), []plan.Step{step}); len(out.Failed) > 0 {
		t.Error(out.Failed)
	}
	if len(b.said) != 1 || !strings.Contains(b.said[0], "takes effect with `mage restart`: its engine changes no running node") {
		t.Errorf("said %q", b.said)
	}
}

// TestANodeThatStaysIsSwept: what a run that was killed prepared for it goes, though nothing is to be done.
func TestANodeThatStaysIsSwept(t *testing.T) {
	for _, action := range []plan.Action{plan.Keep, plan.Redefine} {
		b := newBed(t)
		if out := b.applier().Define(t.Context(), []plan.Step{{Node: b.node, Action: action, XML: "new"}}); len(out.Failed) > 0 {
			t.Error(out.Failed)
		}
		if !slices.Contains(b.done, "sweep") {
			t.Errorf("%v: done is %q", action, b.done)
		}
	}
}
