package release

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const changes = "# Changelog\n\n## [Unreleased]\n\n## [0.1.0] - 2026-11-27\n"

// must runs a program in the folder.
func must(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z",
		"GIT_AUTHOR_NAME=x", "GIT_AUTHOR_EMAIL=x@example", "GIT_COMMITTER_NAME=x", "GIT_COMMITTER_EMAIL=x@example")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// save writes a file in the folder.
func save(t *testing.T, dir, name, text string, mode os.FileMode) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// clone is a repository with one commit, which is always the same. Its files have times and rights of this machine's.
func clone(t *testing.T, mode os.FileMode) string {
	t.Helper()
	dir := t.TempDir()
	must(t, dir, "git", "init", "-q")
	save(t, dir, "CHANGELOG.md", changes, mode)
	save(t, dir, "LICENSE", "a licence\n", mode)
	save(t, dir, "docs/x.md", "x\n", mode)
	save(t, dir, "templates/ready.sh", "#!/bin/sh\n", mode|0o100)
	save(t, dir, "internal/x.go", "package x\n", mode)
	if err := os.Symlink("x.md", filepath.Join(dir, "docs", "y.md")); err != nil {
		t.Fatal(err)
	}
	must(t, dir, "git", "add", "-A")
	must(t, dir, "git", "commit", "-q", "-m", "x")
	return dir
}

// small is a Go program.
var small = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "coreos-libvirt-release-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	source, program := filepath.Join(dir, "x.go"), filepath.Join(dir, "x")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		return nil, err
	}
	if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", program, source).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	return os.ReadFile(program)
})

// releaseOf makes v0.1.0 of a clone. Its program is a Go program that does nothing.
func releaseOf(root string) Release {
	return Release{
		Root: root, Version: "v0.1.0", Folder: filepath.Join(root, ".git", "dist", "v0.1.0"), Own: "aarch64",
		Build: func(_, path string) error {
			program, err := small()
			return errors.Join(err, os.WriteFile(path, program, 0o700))
		},
		Try: func(context.Context, string) (string, error) { return "v0.1.0", nil },
	}
}

// TestTwoReleasesHaveEqualBytes: of one commit, in other folders, at other times, with other rights.
func TestTwoReleasesHaveEqualBytes(t *testing.T) {
	one, other := releaseOf(clone(t, 0o644)), releaseOf(clone(t, 0o600))
	old := time.Now().Add(-1000 * time.Hour)
	if err := os.Chtimes(filepath.Join(other.Root, "LICENSE"), old, old); err != nil {
		t.Fatal(err)
	}
	for _, r := range []Release{one, other} {
		if err := r.Make(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	must(t, one.Folder, "sha256sum", "-c", "--strict", "SHA256SUMS")
	entries, err := os.ReadDir(one.Folder)
	if err != nil || len(entries) != 5 {
		t.Fatalf("got %v, %v", entries, err)
	}
	for _, entry := range entries {
		a, errA := os.ReadFile(filepath.Join(one.Folder, entry.Name()))
		b, errB := os.ReadFile(filepath.Join(other.Folder, entry.Name()))
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs: %v %v", entry.Name(), errA, errB)
		}
	}
	list := must(t, one.Folder, "tar", "-tvzf", "coreos-libvirt-v0.1.0-linux-x86_64.tar.gz", "--numeric-owner", "--full-time")
	for _, want := range []string{
		"-rwxr-xr-x 0/0 ", "2026-01-02 03:04:05 coreos-libvirt-v0.1.0-linux-x86_64/coreos-libvirt\n", "/docs/y.md -> x.md\n", "/templates/ready.sh\n",
	} {
		if !strings.Contains(list, want) {
			t.Errorf("no %q in\n%s", want, list)
		}
	}
	if strings.Contains(list, "x.go") || strings.Contains(list, ".git") {
		t.Errorf("too much:\n%s", list)
	}
}

// TestTheBillNamesWhatIsBuiltIn, as CycloneDX' schema wants it.
func TestTheBillNamesWhatIsBuiltIn(t *testing.T) {
	info := &debug.BuildInfo{GoVersion: "go1.26.8", Deps: []*debug.Module{
		{Path: "example.com/a", Version: "v2.0.0+incompatible", Sum: "h1:x="},
		{Path: "example.com/b", Version: "v1.0.0", Replace: &debug.Module{Path: "example.com/c", Version: "v1.1.0"}},
	}}
	text, err := listOf(info, "v0.1.0", time.Unix(0, 0).UTC())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"pkg:golang/std@1.26.8", "pkg:golang/example.com/a@v2.0.0%2Bincompatible", "pkg:golang/example.com/c@v1.1.0", "1970-01-01T00:00:00Z"} {
		if !strings.Contains(string(text), `"`+want+`"`) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if err := schema(t).Validate(parsed(t, text)); err != nil {
		t.Error(err)
	}
	if err := schema(t).Validate(map[string]any{"bomFormat": "x"}); err == nil {
		t.Error("the schema takes anything")
	}
}

// schema is that of the version of CycloneDX, of the library's module.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	dir := strings.TrimSpace(must(t, ".", "go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go"))
	compiler := jsonschema.NewCompiler()
	for name, file := range map[string]string{"bom-1.6.schema.json": "bom-1.6.schema.json", "spdx.schema.json": "spdx.schema.json", "jsf-0.82.schema.json": "jsf-0.82.schemax.json"} {
		text, err := os.ReadFile(filepath.Join(dir, "schema", file))
		if err == nil {
			err = compiler.AddResource("http://cyclonedx.org/schema/"+name, parsed(t, text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return compiler.MustCompile("http://cyclonedx.org/schema/bom-1.6.schema.json")
}

func parsed(t *testing.T, text []byte) any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// TestRefused: what is no release, and that it leaves all as it was.
func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(r *Release)
		want   string
	}{
		"no version":         {func(r *Release) { r.Version = "" }, "is not a semantic version"},
		"no v":               {func(r *Release) { r.Version = "0.1.0" }, "is not a semantic version"},
		"two numbers":        {func(r *Release) { r.Version = "v0.1" }, "is not a semantic version"},
		"a path":             {func(r *Release) { r.Version = "v0.1.0-../../x" }, "is not a semantic version"},
		"metadata":           {func(r *Release) { r.Version = "v0.1.0+5" }, "is not a semantic version"},
		"a file changed":     {func(r *Release) { save(t, r.Root, "LICENSE", "another\n", 0o644) }, "M LICENSE"},
		"a file nobody knew": {func(r *Release) { save(t, r.Root, "internal/y.go", "package x\n", 0o644) }, "?? internal/y.go"},
		"not in the log":     {func(r *Release) { r.Version = "v0.2.0" }, "CHANGELOG.md has no section on v0.2.0"},
		"another's tag": {func(r *Release) {
			must(t, r.Root, "git", "tag", "-a", "v0.1.0", "-m", "x")
			must(t, r.Root, "git", "commit", "-q", "--allow-empty", "-m", "y")
		}, "the tag v0.1.0 is commit"},
		"it does not build": {func(r *Release) { r.Build = func(string, string) error { return errors.New("no compiler") } }, "x86_64: no compiler"},
		"another program": {func(r *Release) {
			r.Try = func(context.Context, string) (string, error) { return "v0.0.9", nil }
		}, `is version "v0.0.9", not "v0.1.0"`},
	} {
		r := releaseOf(clone(t, 0o644))
		save(t, r.Folder, "kept", "of before\n", 0o644)
		c.change(&r)
		if err := r.Make(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: want %q, got %v", name, c.want, err)
		}
		left, _ := filepath.Glob(filepath.Join(r.Root, ".git", "dist", "*"))
		if _, err := os.Stat(filepath.Join(r.Root, ".git", "dist", "v0.1.0", "kept")); err != nil || len(left) != 1 {
			t.Errorf("%s: left are %v, %v", name, left, err)
		}
	}
}

// TestATagOfThisCommitIsWell: the release of a tag can be made again.
func TestATagOfThisCommitIsWell(t *testing.T) {
	for _, kind := range []string{"-a", "light"} {
		r := releaseOf(clone(t, 0o644))
		args := map[string][]string{"light": {"tag", "v0.1.0"}, "-a": {"tag", "-a", "v0.1.0", "-m", "x"}}
		must(t, r.Root, "git", args[kind]...)
		if err := r.ready(); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
