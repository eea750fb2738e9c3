package setup

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/host"
)

// machineAt is a machine whose files are below a folder, and what it says.
func machineAt(t *testing.T, files map[string]string) (Machine, *[]string) {
	t.Helper()
	m, said := Machine{Root: host.Root(t.TempDir()), Rollback: time.Second}, &[]string{}
	m.Say = func(format string, _ ...any) {
		*said = append(*said, strings.TrimSpace(strings.ReplaceAll(format, "%s", "@")))
	}
	for name, text := range files {
		write(t, m.path(name), text)
	}
	return m, said
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
}

// files are all of the machine, by path, with their modes.
func files(t *testing.T, m Machine) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(string(m.Root), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".lock") {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		all[path] = info.Mode().String() + "\n" + string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func planned(s Step) Planned { return Planned{Title: kindOf(s), Step: s} }

// refuses is a step that fails.
type refuses struct{ File }

func (refuses) Do(context.Context, Machine) error { return errors.New("it refuses") }

func TestApplyAndUndo(t *testing.T) {
	m, _ := machineAt(t, map[string]string{"etc/old": "was\n", "proc/sys/net/x": "1\n"})
	before := files(t, m)
	old, err := m.file("etc/old", "is\n")
	if err != nil || old.Mode != 0o640 {
		t.Fatalf("got %+v, %v", old, err)
	}
	fresh, err := m.file("etc/new.d/new", "new\n")
	if err != nil {
		t.Fatal(err)
	}
	steps := []Planned{planned(old), planned(fresh), planned(&Sysctl{"net.x", "0", "1"})}
	if err := m.Apply(t.Context(), steps); err != nil {
		t.Fatal(err)
	}
	now := files(t, m)
	if now[m.path("etc/old")] != "-rw-r-----\nis\n" || now[m.path("etc/new.d/new")] != "-rw-r--r--\nnew\n" || now[m.path("proc/sys/net/x")] != "-rw-r-----\n0\n" {
		t.Errorf("got %v", now)
	}
	if record := now[m.path(recordPath)]; !strings.HasPrefix(record, "-rw-------") || strings.Count(record, `"done": true`) != 3 {
		t.Errorf("got %s", record)
	}
	if again, err := m.file("etc/old", "is\n"); again != nil || err != nil {
		t.Errorf("got %+v, %v", again, err)
	}
	if err := m.Undo(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := files(t, m); !reflect.DeepEqual(before, after) {
		t.Errorf("before %v\nafter %v", before, after)
	}
}

// Where a step fails, the record has it as begun, and undo takes the others back.
func TestApplyFails(t *testing.T) {
	m, said := machineAt(t, nil)
	kinds["refuses"] = func() Step { return &refuses{} }
	defer delete(kinds, "refuses")
	err := m.Apply(t.Context(), []Planned{
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
	if err := m.Undo(t.Context()); err != nil || len(files(t, m)) != 0 {
		t.Errorf("got %v, %v", err, files(t, m))
	}
	*said = nil
	if err := m.Undo(t.Context()); err != nil || len(*said) != 1 || (*said)[0] != "nothing was set up here" {
		t.Errorf("got %v, %v", *said, err)
	}
}

// Every kind of step that was recorded and never begun is undone without harm, as after a kill.
func TestUndoOfWhatWasNotBegun(t *testing.T) {
	m, _ := machineAt(t, map[string]string{"etc/f": "was\n", "proc/sys/net/x": "1\n"})
	before := files(t, m)
	was := "was\n"
	for _, s := range []Step{
		&File{Path: "etc/f", Text: "is\n", Mode: 0o644, Before: &was, Had: 0o640}, &File{Path: "etc/g", Text: "is\n", Mode: 0o644},
		&Sysctl{"net.x", "0", "1"}, &Sysctl{"net.gone", "0", "1"},
		&Group{"nobody", "no-such-group"}, &Setuid{Path: "usr/lib/helper"},
		&Rule{"iptables", "FORWARD", []string{"-i", "no-such-link", "-j", "ACCEPT"}},
	} {
		if err := s.Undo(t.Context(), m); err != nil {
			t.Errorf("%s: %v", kindOf(s), err)
		}
	}
	if after := files(t, m); !reflect.DeepEqual(before, after) {
		t.Errorf("before %v\nafter %v", before, after)
	}
}

// What somebody edited since stays, and so does its entry.
func TestUndoKeepsWhatWasEdited(t *testing.T) {
	m, _ := machineAt(t, nil)
	err := m.Apply(t.Context(), []Planned{planned(&File{Path: "etc/a", Text: "a", Mode: 0o644}), planned(&File{Path: "etc/b", Text: "b", Mode: 0o644})})
	if err != nil {
		t.Fatal(err)
	}
	write(t, m.path("etc/a"), "edited")
	if err := m.Undo(t.Context()); err == nil || !strings.Contains(err.Error(), "etc/a was edited since: left as it is\nhint: ") {
		t.Fatalf("got %v", err)
	}
	if text, _ := os.ReadFile(m.path("etc/a")); string(text) != "edited" {
		t.Errorf("got %s", text)
	}
	if record, err := m.read(); err != nil || len(record.Entries) != 1 {
		t.Errorf("got %+v, %v", record, err)
	}
	if err := os.Remove(m.path("etc/a")); err != nil {
		t.Fatal(err)
	}
	if err := m.Undo(t.Context()); err != nil || len(files(t, m)) != 0 {
		t.Errorf("got %v, %v", err, files(t, m))
	}
}

func TestRecordOfAnotherVersion(t *testing.T) {
	for _, text := range []string{"", "{", `{"version": 2}`, "[]"} {
		m, _ := machineAt(t, map[string]string{recordPath: text})
		for _, err := range []error{m.Undo(t.Context()), m.Apply(t.Context(), []Planned{planned(&File{Path: "etc/a"})})} {
			if err == nil || !strings.Contains(err.Error(), "is no record of this version") {
				t.Errorf("%q: got %v", text, err)
			}
		}
	}
	m, _ := machineAt(t, map[string]string{recordPath: `{"version": 1, "entries": [{"kind": "magic", "title": "x", "step": {}}]}`})
	if err := m.Undo(t.Context()); err == nil || !strings.Contains(err.Error(), `x: not undone: a step of the kind "magic"`) {
		t.Errorf("got %v", err)
	}
}

func TestFamily(t *testing.T) {
	for release, want := range map[string]string{
		"ID=debian\n":                                   "apt",
		"ID=ubuntu\nID_LIKE=debian\n":                   "apt",
		"ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n":     "apt",
		"ID=fedora\n":                                   "dnf",
		"ID=\"centos\"\nID_LIKE=\"rhel fedora\"\n":      "dnf",
		"ID=rocky\nID_LIKE='rhel centos fedora'\n":      "dnf",
		"ID=opensuse-leap\nID_LIKE=\"suse opensuse\"\n": "zypper",
		"ID=arch\n":   "pacman",
		"ID=alpine\n": "",
		"":            "",
	} {
		m, _ := machineAt(t, map[string]string{"etc/os-release": release})
		f, err := m.family()
		if f.manager != want || (err == nil) != (want != "") || err != nil && !strings.Contains(err.Error(), "\nhint: ") {
			t.Errorf("%q: got %+v, %v", release, f, err)
		}
	}
	m, _ := machineAt(t, map[string]string{"etc/os-release": "ID=centos\n"})
	if f, _ := m.family(); f.acl != "etc/qemu-kvm/bridge.conf" {
		t.Errorf("got %s", f.acl)
	}
}

// docs/host.md has the packages, to be installed by hand.
func TestPackagesAreInTheDocs(t *testing.T) {
	docs, err := os.ReadFile("../../../docs/host.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{"debian": "apt-get install", "fedora": "dnf install", "rhel": "dnf install", "suse": "zypper install", "arch": "pacman -S"}
	for name, f := range families {
		for line := range strings.Lines(string(docs)) {
			if _, words, ok := strings.Cut(line, "`"+lines[name]+" "); ok {
				words, _, _ = strings.Cut(strings.TrimPrefix(words, "--no-install-recommends "), "`")
				if runtime.GOARCH == "amd64" && words != strings.Join(f.packages, " ") {
					t.Errorf("%s: the docs have %s, the set-up %s", name, words, strings.Join(f.packages, " "))
				}
				lines[name] = "found"
			}
		}
		if lines[name] != "found" {
			t.Errorf("%s: no line in the docs", name)
		}
		for _, more := range f.network {
			if !strings.Contains(string(docs), "`"+more+"`") && more != "iptables" {
				t.Errorf("%s: no %s in the docs", name, more)
			}
		}
	}
}

func TestSession(t *testing.T) {
	m, _ := machineAt(t, map[string]string{"etc/qemu/bridge.conf": "allow virbr0", "usr/lib/helper": "x"})
	if err := os.Chmod(m.path("usr/lib/helper"), 0o750); err != nil {
		t.Fatal(err)
	}
	f := family{helper: "usr/lib/helper", acl: "etc/qemu/bridge.conf"}
	before := files(t, m)
	steps, err := m.session(t.Context(), Wanted{Bridge: "br0", Session: true}, f)
	if err != nil || len(steps) != 2 {
		t.Fatalf("got %+v, %v", steps, err)
	}
	steps[0].Step.(*Setuid).Override = false // dpkg's database is the real one
	if err := m.Apply(t.Context(), steps); err != nil {
		t.Fatal(err)
	}
	now := files(t, m)
	if now[m.path("etc/qemu/bridge.conf")] != "-rw-r-----\nallow virbr0\nallow br0\n" || now[m.path("usr/lib/helper")] != "urwxr-xr-x\nx" {
		t.Errorf("got %v", now)
	}
	if steps, err := m.session(t.Context(), Wanted{Bridge: "br0", Session: true}, f); err != nil || len(steps) != 0 {
		t.Errorf("nothing lacks, and it plans %+v, %v", steps, err)
	}
	if err := m.Undo(t.Context()); err != nil || !reflect.DeepEqual(before, files(t, m)) {
		t.Errorf("got %v, %v", err, files(t, m))
	}
	if steps, err := m.session(t.Context(), Wanted{Bridge: "br0"}, f); err != nil || steps != nil {
		t.Errorf("nobody wants a session, and it plans %+v, %v", steps, err)
	}
}
