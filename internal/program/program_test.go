package program

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/workspace/artifact"
)

// TestSourcesAreAllThatTheProgramIsBuiltFrom compares those of the etcd helper with what Go's own tool says.
func TestSourcesAreAllThatTheProgramIsBuiltFrom(t *testing.T) {
	t.Parallel()
	p := Program{Folder: "../..", Module: "coreos-libvirt", Package: "internal/etcd/helper/program"}
	cmd := exec.Command("go", "list", "-deps", "-f", `{{if .Module}}{{if .Module.Main}}{{$p := .ImportPath}}{{range .GoFiles}}{{$p}}/{{.}}
{{end}}{{range .EmbedFiles}}{{$p}}/{{.}}
{{end}}{{end}}{{end}}`, "./"+p.Package)
	cmd.Dir = p.Folder
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	got, err := p.sources()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files in %s", len(got), time.Since(begin))
	want := []string{"go.mod", "go.sum"}
	for _, file := range strings.Fields(string(out)) {
		want = append(want, strings.TrimPrefix(file, p.Module+"/"))
	}
	if slices.Sort(got); !slices.Equal(got, sorted(want)) || len(got) < 10 {
		t.Errorf("got %q, want %q", got, want)
	}
}

func sorted(words []string) []string { slices.Sort(words); return words }

// TestAChangeInAnyPackageRebuildsTheProgram has a small one that imports a package by way of another.
func TestAChangeInAnyPackageRebuildsTheProgram(t *testing.T) {
	t.Parallel()
	p := small(t, folder(t))
	save := func(path, text string) {
		t.Helper()
		path = filepath.Join(p.Folder, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	save("cmd/main.go", "package main\n\nimport _ \"small/wire\"\n\nfunc main() {}\n")
	save("wire/wire.go", "package wire\n\nimport _ \"small/hint\"\n")
	save("hint/hint.go", "package hint\n")
	save("run/run.go", "package run\n")

	last := ""
	for _, c := range []struct {
		file, text string
		rebuilt    bool
	}{
		{"", "", true},
		{"", "", false},
		{"wire/wire.go", "package wire\n\nimport _ \"small/hint\"\n\nconst Verb = 1\n", true},
		{"wire/more.go", "package wire\n", true},
		{"hint/hint.go", "package hint\n\nvar x = 1\n", true},
		{"go.sum", "# another version\n", true},
		{"run/run.go", "package run // which the program does not import\n", false},
		{"wire/wire_test.go", "package wire\n", false},
	} {
		if c.file != "" {
			save(c.file, c.text)
		}
		said := ""
		path, err := p.Build(t.Context(), func(format string, _ ...any) { said += format })
		if err != nil {
			t.Fatalf("%s: %v", c.file, err)
		}
		if rebuilt := path != last; rebuilt != c.rebuilt || rebuilt != (said == "%s: building it, once") {
			t.Errorf("%q: rebuilt is %t, said %q", c.file, rebuilt, said)
		}
		last = path
	}
}

// TestOldProgramsGo when a new one is built: those that nobody used for a week, and what builds that were killed have left.
func TestOldProgramsGo(t *testing.T) {
	t.Parallel()
	bin := folder(t)
	p := small(t, bin)
	long, short := time.Now().Add(-unusedFor-time.Hour), time.Now().Add(-unusedFor+time.Hour)
	for name, used := range map[string]time.Time{
		"small-helper-0123456789ab": long, "small-helper-0123456789cd": short, "small-helper-0123456789ef.new": short, "golangci-lint": long, "small-helper-notes.txt": long,
	} {
		path := filepath.Join(bin, name)
		if err := os.WriteFile(path, nil, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, used, used); err != nil {
			t.Fatal(err)
		}
	}
	path, err := p.Build(t.Context(), func(string, ...any) {})
	if err != nil {
		t.Fatal(err)
	}
	want := sorted([]string{".lock", filepath.Base(path), "small-helper-0123456789cd", "small-helper-notes.txt", "golangci-lint"})
	if got := names(t, bin); !slices.Equal(got, want) {
		t.Errorf("left are %q, want %q", got, want)
	}
	// one that is used stays, however old it is
	if err := os.Chtimes(path, long, long); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Build(t.Context(), func(string, ...any) { t.Error("it is built again") }); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.Folder, "go.sum"), []byte("# another version\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Build(t.Context(), func(string, ...any) {}); err != nil {
		t.Fatal(err)
	}
	if got := names(t, bin); !slices.Contains(got, filepath.Base(path)) || len(got) != len(want)+1 {
		t.Errorf("left are %q", got)
	}
}

// A program that another user has put there, or can have changed, is not run: it is built again. From a folder into which others
// can put programs nothing is run.
func TestAPlantedProgramIsNotRun(t *testing.T) {
	t.Parallel()
	bin := filepath.Join(t.TempDir(), "bin")
	p := small(t, bin)
	build := func() (string, error) { return p.Build(t.Context(), func(string, ...any) {}) }
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	built, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, plant := range map[string]func() error{
		"others may write to it": func() error { return errors.Join(os.WriteFile(path, nil, 0o755), os.Chmod(path, 0o777)) },
		"another user's":         func() error { return errors.Join(os.WriteFile(path, nil, 0o755), os.Chown(path, 1234, -1)) },
		"a link":                 func() error { return errors.Join(os.Remove(path), os.Symlink("/bin/true", path)) },
	} {
		if err := plant(); errors.Is(err, fs.ErrPermission) {
			continue // only root gives files away
		}
		again, err := build()
		now, failed := os.ReadFile(path)
		if err != nil || failed != nil || again != path || !bytes.Equal(now, built) || artifact.Own(path) != nil {
			t.Errorf("%s: got %s, %v, %v: %v", name, again, err, failed, artifact.Own(path))
		}
	}
	if err := os.Chmod(bin, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := build(); err == nil || !strings.Contains(err.Error(), "programs from there are not run: others may write to "+bin+" (0777)\nhint: rm -r ") {
		t.Errorf("got %v", err)
	}
}

// folder is one for programs, whatever the umask says.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return sorted(all)
}

// small is a program that is built in no time.
func small(t *testing.T, bin string) Program {
	t.Helper()
	p := Program{Name: "small helper", Prefix: "small-helper-", Lock: ".lock", Bin: bin, Folder: t.TempDir(), Module: "small", Package: "cmd"}
	if err := os.Mkdir(filepath.Join(p.Folder, "cmd"), 0o755); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{"go.mod": "module small\n\ngo 1.26\n", "go.sum": "", "cmd/main.go": "package main\n\nfunc main() {}\n"} {
		if err := os.WriteFile(filepath.Join(p.Folder, path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return p
}
