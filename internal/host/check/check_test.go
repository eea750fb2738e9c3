package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Without the programs that targets run, one command brings them.
func TestProgramsLack(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if found, err := Programs(t.Context()); err == nil || !strings.Contains(err.Error(), "qemu-img, ssh\nhint: sudo ") {
		t.Errorf("got %s, %v", found, err)
	}
	if found, err := xz(); err == nil || !strings.Contains(err.Error(), "xz is missing, which unpacks images of Fedora CoreOS\nhint: sudo ") {
		t.Errorf("got %s, %v", found, err)
	}
	bin := t.TempDir()
	for _, name := range []string{"qemu-img", "ssh"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	if found, err := Programs(t.Context()); err != nil || found != "qemu-img, ssh" {
		t.Errorf("got %s, %v", found, err)
	}
}
