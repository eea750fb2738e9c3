package kubevirt

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestOldHelpersGo when a new one is built: those that nobody used for long, and what builds that were killed have left.
func TestOldHelpersGo(t *testing.T) {
	t.Parallel()
	module, bin := t.TempDir(), t.TempDir()
	if err := os.Chmod(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(module, helperModule)
	if err := os.MkdirAll(source, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{"go.mod": "module coreos-libvirt/kubevirt-helper\n\ngo 1.26\n", "go.sum": "", "main.go": "package main\n\nfunc main() {}\n"} {
		if err := os.WriteFile(filepath.Join(source, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	long, lately := time.Now().Add(-8*24*time.Hour), time.Now().Add(-time.Hour)
	for name, used := range map[string]time.Time{
		"kubevirt-helper-0123456789ab": long, "kubevirt-helper-0123456789cd": lately, "kubevirt-helper-0123456789ef.new": lately, "etcd-helper-0123456789ab": long,
	} {
		path := filepath.Join(bin, name)
		if err := os.WriteFile(path, nil, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, used, used); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Open(t.Context(), Program{Module: module, Bin: bin, Say: t.Logf}, "", "")
	if err != nil {
		t.Fatal(err)
	}
	path, err := c.helper.Build(t.Context(), func(string, ...any) { t.Error("it is built again") })
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(bin)
	if err != nil {
		t.Fatal(err)
	}
	left := []string{}
	for _, entry := range entries {
		left = append(left, entry.Name())
	}
	want := []string{".lock-kubevirt", "etcd-helper-0123456789ab", filepath.Base(path), "kubevirt-helper-0123456789cd"}
	slices.Sort(want)
	if !slices.Equal(left, want) {
		t.Errorf("left are %q, want %q", left, want)
	}
}
