package etcd

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

// TestSourcesAreAllThatTheHelperIsBuiltFrom compares them with what Go's own tool says.
func TestSourcesAreAllThatTheHelperIsBuiltFrom(t *testing.T) {
	t.Parallel()
	const module = "../.."
	cmd := exec.Command("go", "list", "-deps", "-f", `{{if .Module}}{{if .Module.Main}}{{$p := .ImportPath}}{{range .GoFiles}}{{$p}}/{{.}}
{{end}}{{range .EmbedFiles}}{{$p}}/{{.}}
{{end}}{{end}}{{end}}`, "./"+helperPackage)
	cmd.Dir = module
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	got, err := sources(module)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files in %s", len(got), time.Since(begin))
	want := []string{"go.mod", "go.sum"}
	for _, file := range strings.Fields(string(out)) {
		want = append(want, strings.TrimPrefix(file, modulePrefix))
	}
	if slices.Sort(got); !slices.Equal(got, sorted(want)) || len(got) < 10 {
		t.Errorf("got %q, want %q", got, want)
	}
}

func sorted(words []string) []string { slices.Sort(words); return words }

// TestAChangeInAnyPackageRebuildsTheHelper has a small helper that imports a package by way of another.
func TestAChangeInAnyPackageRebuildsTheHelper(t *testing.T) {
	t.Parallel()
	module, bin := t.TempDir(), folder(t)
	save := func(path, text string) {
		t.Helper()
		path = filepath.Join(module, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	save("go.mod", "module coreos-libvirt\n\ngo 1.26\n")
	save("go.sum", "")
	save("internal/etcd/helper/program/main.go", "package main\n\nimport _ \"coreos-libvirt/internal/etcd/wire\"\n\nfunc main() {}\n")
	save("internal/etcd/wire/wire.go", "package wire\n\nimport _ \"coreos-libvirt/internal/terminal/hint\"\n")
	save("internal/terminal/hint/hint.go", "package hint\n")
	save("internal/etcd/run.go", "package etcd\n")

	last := ""
	for _, c := range []struct {
		file, text string
		rebuilt    bool
	}{
		{"", "", true},
		{"", "", false},
		{"internal/etcd/wire/wire.go", "package wire\n\nimport _ \"coreos-libvirt/internal/terminal/hint\"\n\nconst Verb = 1\n", true},
		{"internal/etcd/wire/more.go", "package wire\n", true},
		{"internal/terminal/hint/hint.go", "package hint\n\nvar x = 1\n", true},
		{"go.sum", "# another version\n", true},
		{"internal/etcd/run.go", "package etcd // which the helper does not import\n", false},
		{"internal/etcd/wire/wire_test.go", "package wire\n", false},
	} {
		if c.file != "" {
			save(c.file, c.text)
		}
		said := ""
		path, err := NewHelper(module, bin).Build(t.Context(), func(format string, _ ...any) { said += format })
		if err != nil {
			t.Fatalf("%s: %v", c.file, err)
		}
		if rebuilt := path != last; rebuilt != c.rebuilt || rebuilt != (said == "etcd helper: building it, once") {
			t.Errorf("%q: rebuilt is %t, said %q", c.file, rebuilt, said)
		}
		last = path
	}
}

// TestOldHelpersGo when a new one is built: those that nobody used for a week, and what builds that were killed have left.
func TestOldHelpersGo(t *testing.T) {
	t.Parallel()
	module, bin := smallHelper(t), folder(t)
	long, short := time.Now().Add(-unusedFor-time.Hour), time.Now().Add(-unusedFor+time.Hour)
	for name, used := range map[string]time.Time{
		"etcd-helper-0123456789ab": long, "etcd-helper-0123456789cd": short, "etcd-helper-0123456789ef.new": short, "golangci-lint": long, "etcd-helper-notes.txt": long,
	} {
		path := filepath.Join(bin, name)
		if err := os.WriteFile(path, nil, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, used, used); err != nil {
			t.Fatal(err)
		}
	}
	path, err := NewHelper(module, bin).Build(t.Context(), func(string, ...any) {})
	if err != nil {
		t.Fatal(err)
	}
	want := sorted([]string{".lock", filepath.Base(path), "etcd-helper-0123456789cd", "etcd-helper-notes.txt", "golangci-lint"})
	if got := names(t, bin); !slices.Equal(got, want) {
		t.Errorf("left are %q, want %q", got, want)
	}
	// one that is used stays, however old it is
	if err := os.Chtimes(path, long, long); err != nil {
		t.Fatal(err)
	}
	if _, err := NewHelper(module, bin).Build(t.Context(), func(string, ...any) { t.Error("it is built again") }); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(module, "go.sum"), []byte("# another version\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := NewHelper(module, bin).Build(t.Context(), func(string, ...any) {}); err != nil {
		t.Fatal(err)
	}
	if got := names(t, bin); !slices.Contains(got, filepath.Base(path)) || len(got) != len(want)+1 {
		t.Errorf("left are %q", got)
	}
}

// A program that another user has put there, or can have changed, is not run: it is built again. From a folder into which others
// can put programs nothing is run.
func TestAPlantedHelperIsNotRun(t *testing.T) {
	t.Parallel()
	module, bin := smallHelper(t), filepath.Join(t.TempDir(), "bin")
	helper := func() (string, error) { return NewHelper(module, bin).Build(t.Context(), func(string, ...any) {}) }
	path, err := helper()
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
		again, err := helper()
		now, failed := os.ReadFile(path)
		if err != nil || failed != nil || again != path || !bytes.Equal(now, built) || artifact.Own(path) != nil {
			t.Errorf("%s: got %s, %v, %v: %v", name, again, err, failed, artifact.Own(path))
		}
	}
	if err := os.Chmod(bin, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := helper(); err == nil || !strings.Contains(err.Error(), "programs from there are not run: others may write to "+bin+" (0777)\nhint: rm -r ") {
		t.Errorf("got %v", err)
	}
}

// TestAHelperThatGoesBeforeItIsStarted is built again: another run removed it meanwhile.
func TestAHelperThatGoesBeforeItIsStarted(t *testing.T) {
	t.Parallel()
	module, bin := smallHelper(t), folder(t)
	p := &program{module: module, bin: bin}
	defer p.close()
	goes := true
	running, err := p.start(t.Context(), func(path string) (*process, error) {
		if goes {
			goes = false
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
		return start(path)
	})
	if err != nil {
		t.Fatal(err)
	}
	running.close()
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

// smallHelper is a module whose helper is built in no time.
func smallHelper(t *testing.T) (module string) {
	t.Helper()
	module = t.TempDir()
	for path, text := range map[string]string{
		"go.mod": "module coreos-libvirt\n\ngo 1.26\n", "go.sum": "", "internal/etcd/helper/program/main.go": "package main\n\nfunc main() {}\n",
	} {
		path = filepath.Join(module, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return module
}
