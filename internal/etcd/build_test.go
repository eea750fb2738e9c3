package etcd

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestSourcesAreAllThatTheHelperIsBuiltFrom compares them with what Go's own tool says.
func TestSourcesAreAllThatTheHelperIsBuiltFrom(t *testing.T) {
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
	module, bin := t.TempDir(), t.TempDir()
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
	save("internal/etcd/helper/main.go", "package main\n\nimport _ \"coreos-libvirt/internal/etcd/wire\"\n\nfunc main() {}\n")
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
