package artifact

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestWriteIfChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b.json")
	for i, c := range []struct {
		data  string
		mode  os.FileMode
		wrote bool
	}{{"x", 0o600, true}, {"x", 0o600, false}, {"y", 0o600, true}, {"y", 0o644, true}} {
		wrote, err := WriteIfChanged(path, []byte(c.data), c.mode)
		if err != nil || wrote != c.wrote {
			t.Errorf("%d: wrote %v, %v", i, wrote, err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != c.mode {
			t.Errorf("%d: mode %v, %v", i, info.Mode(), err)
		}
	}
	if left, _ := filepath.Glob(filepath.Dir(path) + "/.*"); len(left) != 0 {
		t.Errorf("temporary files are left: %v", left)
	}
}

// TestUmaskDoesNotMatter: folders may be entered by all, files are as secret as they are said to be.
func TestUmaskDoesNotMatter(t *testing.T) {
	for _, umask := range []int{0o077, 0o022, 0} {
		dir := t.TempDir()
		old := syscall.Umask(umask)
		err := Write(filepath.Join(dir, "a", "b", "c"), nil, 0o600)
		syscall.Umask(old)
		if err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]os.FileMode{"a": 0o755, "a/b": 0o755, "a/b/c": 0o600} {
			if info, err := os.Stat(filepath.Join(dir, path)); err != nil || info.Mode().Perm() != want {
				t.Errorf("umask %03o: %s is %v, %v", umask, path, info.Mode(), err)
			}
		}
	}
}

func TestWriteFailsWhole(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Write(filepath.Join(file, "below"), nil, 0o600); err == nil {
		t.Error("a file is no folder")
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dir", ".lock")
	unlock, err := Lock(context.Background(), path, func() { t.Error("nobody holds it") })
	if err != nil {
		t.Fatal(err)
	}
	waited := false
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := Lock(ctx, path, func() { waited = true }); err == nil || !waited {
		t.Errorf("a held lock: waited %v, %v", waited, err)
	}
	unlock()
	if _, err := Lock(context.Background(), path, func() { t.Error("it was given back") }); err != nil {
		t.Error(err)
	}
}
