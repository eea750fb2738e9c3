package step

import (
	"context"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/testkit/testbed"
)

// machineAt is a machine whose files are below a folder, and what it says.
func machineAt(t *testing.T, files map[string]string) (Machine, *[]string) {
	t.Helper()
	m, said := Machine{Root: host.Root(testbed.Tree(t, files)), Rollback: time.Second}, &[]string{}
	m.Say = func(format string, _ ...any) {
		*said = append(*said, strings.TrimSpace(strings.ReplaceAll(format, "%s", "@")))
	}
	return m, said
}

// kinds are those of this package.
var kinds = Kinds{
	"packages": func() Step { return &Packages{} },
	"file":     func() Step { return &File{} },
	"sysctl":   func() Step { return &Sysctl{} },
}

func planned(s Step) Planned { return Planned{Title: kinds.of(s), Step: s} }

// refuses is a step that fails.
type refuses struct{ File }

func (refuses) Do(context.Context, Machine) error { return errors.New("it refuses") }

func TestApplyAndUndo(t *testing.T) {
	m, _ := machineAt(t, map[string]string{"etc/old": "was\n", "proc/sys/net/x": "1\n"})
	before := testbed.Files(t, string(m.Root))
	old, err := m.File("etc/old", "is\n")
	if err != nil || old.Mode != 0o640 {
		t.Fatalf("got %+v, %v", old, err)
	}
	fresh, err := m.File("etc/new.d/new", "new\n")
	if err != nil {
		t.Fatal(err)
	}
	steps := []Planned{planned(old), planned(fresh), planned(&Sysctl{"net.x", "0", "1"})}
	if err := kinds.Apply(t.Context(), m, steps); err != nil {
		t.Fatal(err)
	}
	now := testbed.Files(t, string(m.Root))
	if now[m.Root.Path("etc/old")] != "-rw-r-----\nis\n" || now[m.Root.Path("etc/new.d/new")] != "-rw-r--r--\nnew\n" || now[m.Root.Path("proc/sys/net/x")] != "-rw-r-----\n0\n" {
		t.Errorf("got %v", now)
	}
	if record := now[m.Root.Path(recordPath)]; !strings.HasPrefix(record, "-rw-------") || strings.Count(record, `"done": true`) != 3 {
		t.Errorf("got %s", record)
	}
	if again, err := m.File("etc/old", "is\n"); again != nil || err != nil {
		t.Errorf("got %+v, %v", again, err)
	}
	if err := kinds.Undo(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if after := testbed.Files(t, string(m.Root)); !reflect.DeepEqual(before, after) {
		t.Errorf("before %v\nafter %v", before, after)
	}
}

// Where a step fails, the record has it as begun, and undo takes the others back.
func TestApplyFails(t *testing.T) {
	m, said := machineAt(t, nil)
	kinds["refuses"] = func() Step { return &refuses{} }
	defer delete(kinds, "refuses")
	err := kinds.Apply(t.Context(), m, []Planned{
		planned(&File{Path: "etc/a", Text: "a", Mode: 0o644}),
		planned(&refuses{File{Path: "etc/b"}}),
		planned(&File{Path: "etc/c", Text: "c", Mode: 0o644}),
	})
	if err == nil || !strings.Contains(err.Error(), "refuses: it refuses") {
		t.Fatalf("got %v", err)
	}
	record, err := m.read()
	if err != nil || len(record.Entries) != 2 || !record.Entries[0].Done || record.Entries[1].Done {
		t.Fatalf("got %+v, %v", record, err)
	}
	if err := kinds.Undo(t.Context(), m); err != nil || len(testbed.Files(t, string(m.Root))) != 0 {
		t.Errorf("got %v, %v", err, testbed.Files(t, string(m.Root)))
	}
	*said = nil
	if err := kinds.Undo(t.Context(), m); err != nil || len(*said) != 1 || (*said)[0] != "nothing was set up here" {
		t.Errorf("got %v, %v", *said, err)
	}
}

// A step that undo would not know is not taken.
func TestApplyOfAnotherKind(t *testing.T) {
	m, _ := machineAt(t, nil)
	err := kinds.Apply(t.Context(), m, []Planned{planned(&refuses{File{Path: "etc/b"}})})
	if err == nil || !strings.Contains(err.Error(), "nothing would undo a *step.refuses") || len(testbed.Files(t, string(m.Root))) != 0 {
		t.Errorf("got %v, %v", err, testbed.Files(t, string(m.Root)))
	}
}

// What somebody edited since stays, and so does its entry.
func TestUndoKeepsWhatWasEdited(t *testing.T) {
	m, _ := machineAt(t, nil)
	err := kinds.Apply(t.Context(), m, []Planned{planned(&File{Path: "etc/a", Text: "a", Mode: 0o644}), planned(&File{Path: "etc/b", Text: "b", Mode: 0o644})})
	if err != nil {
		t.Fatal(err)
	}
	testbed.Write(t, m.Root.Path("etc/a"), "edited")
	if err := kinds.Undo(t.Context(), m); err == nil || !strings.Contains(err.Error(), "etc/a was edited since: left as it is\nhint: ") {
		t.Fatalf("got %v", err)
	}
	if text, _ := os.ReadFile(m.Root.Path("etc/a")); string(text) != "edited" {
		t.Errorf("got %s", text)
	}
	if record, err := m.read(); err != nil || len(record.Entries) != 1 {
		t.Errorf("got %+v, %v", record, err)
	}
	if err := os.Remove(m.Root.Path("etc/a")); err != nil {
		t.Fatal(err)
	}
	if err := kinds.Undo(t.Context(), m); err != nil || len(testbed.Files(t, string(m.Root))) != 0 {
		t.Errorf("got %v, %v", err, testbed.Files(t, string(m.Root)))
	}
}

func TestRecordOfAnotherVersion(t *testing.T) {
	for _, text := range []string{"", "{", `{"version": 2}`, "[]"} {
		m, _ := machineAt(t, map[string]string{recordPath: text})
		for _, err := range []error{kinds.Undo(t.Context(), m), kinds.Apply(t.Context(), m, []Planned{planned(&File{Path: "etc/a"})})} {
			if err == nil || !strings.Contains(err.Error(), "is not a record of this version") {
				t.Errorf("%q: got %v", text, err)
			}
		}
	}
	m, _ := machineAt(t, map[string]string{recordPath: `{"version": 1, "entries": [{"kind": "magic", "title": "x", "step": {}}]}`})
	if err := kinds.Undo(t.Context(), m); err == nil || !strings.Contains(err.Error(), `x: not undone: a step of the kind "magic"`) {
		t.Errorf("got %v", err)
	}
}
