package local

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"coreos-libvirt/internal/testkit/pace"
)

func TestWrites(t *testing.T) {
	var w writes
	path, other := filepath.Join(t.TempDir(), "console.log"), filepath.Join(t.TempDir(), "console.log")
	for _, p := range []string{path, other} {
		if err := os.WriteFile(p, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	written, end := w.to(path)
	others, endOther := w.to(other)
	defer endOther()
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	select {
	case <-written:
	case <-others:
		t.Error("the other file was not written")
	case <-time.After(pace.Hang):
		t.Error("a write is not told")
	}
	end()
	if none, _ := w.to(filepath.Join(t.TempDir(), "none")); none != nil {
		t.Error("a file that is not there is watched")
	}
	again, end := w.to(path)
	defer end()
	if err := os.WriteFile(path, []byte("y"), 0o600); err != nil {
		t.Fatal(err)
	}
	select {
	case <-again:
	case <-time.After(pace.Hang):
		t.Error("a write is not told any more")
	}
}
