package step

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/workspace/artifact"
)

// What changes a file is shown as the change.
func TestCommandsOfFile(t *testing.T) {
	was := "a\nb\n"
	got := (&File{Path: "etc/x", Text: "a\nc\n", Before: &was}).Commands()
	if len(got) != 1 || !strings.HasPrefix(got[0], "patch -d / -p1 <<'END'\n--- /etc/x\n+++ /etc/x\n") || !strings.Contains(got[0], "\n-b\n+c\n") {
		t.Errorf("got %q", got)
	}
	if got := (&File{Path: "etc/x", Text: "a\n"}).Commands(); len(got) != 1 || got[0] != "cat > /etc/x <<'END'\na\nEND" {
		t.Errorf("got %q", got)
	}
}

// situations are what may be at a file's path before the set-up, each made and described anew.
var situations = map[string]func(path string) error{
	"nothing": func(string) error { return nil },
	"a file": func(path string) error {
		return errors.Join(os.WriteFile(path, []byte("was\n"), 0o600), os.Chmod(path, 0o640))
	},
	"another's": func(path string) error {
		return errors.Join(os.WriteFile(path, []byte("was\n"), 0o600), os.Chown(path, 7, 8))
	},
	"a link": func(path string) error {
		return errors.Join(os.WriteFile(path+".real", []byte("was\n"), 0o644), os.Symlink(filepath.Base(path)+".real", path))
	},
	"a dangling link": func(path string) error { return os.Symlink("no where's", path) },
}

// described is all that is below the folder: modes, owners, where links lead, and contents.
func described(t *testing.T, folder string) string {
	t.Helper()
	all := ""
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		link, _ := os.Readlink(filepath.Join(folder, e.Name()))
		text, _ := os.ReadFile(filepath.Join(folder, e.Name()))
		all += fmt.Sprintf("%s %s %v %q %q\n", e.Name(), info.Mode(), artifact.OwnerOf(info), link, text)
	}
	return all
}

// What was there comes back as it was, a link as a link, by Undo and by the script that a guard runs when this process is gone.
// What a link leads to is never written to.
func TestFilesComeBackAsTheyWere(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root gives files away")
	}
	m := Machine{Root: "/", Say: t.Logf}
	do := func(f *File) error { return f.Do(context.Background(), m) }
	undo := func(f *File) error { return f.Undo(context.Background(), m) }
	script := func(command func(*File) string) func(*File) error {
		return func(f *File) error {
			out, err := exec.Command("sh", "-ec", command(f)).CombinedOutput()
			return errors.Join(err, map[bool]error{true: errors.New(string(out))}[len(out) > 0])
		}
	}
	ways := map[string][]func(*File) error{
		"undo": {do, undo}, "the guard": {do, script((*File).Back)}, "the guard, before anything was done": {script((*File).Back)},
		"made again, then undone": {do, script((*File).Back), script((*File).Forth), undo},
	}
	for situation, prepare := range situations {
		for way, steps := range ways {
			folder := t.TempDir()
			path := filepath.Join(folder, "it's $HOME")
			if err := prepare(path); err != nil {
				t.Fatal(err)
			}
			before := described(t, folder)
			f, err := m.File(strings.TrimPrefix(path, "/"), "is\n")
			if err != nil {
				t.Fatal(err)
			}
			for i, step := range steps {
				if err := step(f); err != nil {
					t.Fatalf("%s, %s, %d: %v", situation, way, i, err)
				}
				if text, _ := os.ReadFile(path); i%2 == 0 && len(steps) > 1 && string(text) != "is\n" {
					t.Errorf("%s, %s, %d: got %q", situation, way, i, text)
				}
			}
			if after := described(t, folder); after != before {
				t.Errorf("%s, %s: before\n%safter\n%s", situation, way, before, after)
			}
		}
	}
}

// While it is set up a file has the owner and the mode that it had: a service of another user reads it.
func TestANewFileHasTheOwnerOfTheFormer(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root gives files away")
	}
	m := Machine{Root: host.Root(t.TempDir()), Say: t.Logf}
	path := m.Root.Path("it")
	if err := situations["another's"](path); err != nil {
		t.Fatal(err)
	}
	f, err := m.File("it", "is\n")
	if err := errors.Join(err, f.Do(t.Context(), m)); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || artifact.OwnerOf(info) != (artifact.Owner{UID: 7, GID: 8}) || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v", info, err)
	}
}

func TestQuoted(t *testing.T) {
	for _, word := range []string{"br0", "a b", "$(reboot)", "it's", "", "a\nb", "-x", "~", "*", "a;b"} {
		if out, err := exec.Command("sh", "-c", "printf %s "+Quoted(word)).Output(); err != nil || string(out) != word {
			t.Errorf("%q: got %q, %v", word, out, err)
		}
	}
	if got := Line("ip", "link", "delete", "br0.5"); got != "ip link delete br0.5" {
		t.Errorf("got %s", got)
	}
}
