package tests

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/image/distributor"
)

// TestRealMage runs Mage's own program, as people install it: built without libvirt's tag, it starts itself
// again for a target that needs libvirt, and keeps the target's exit status.
func TestRealMage(t *testing.T) {
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "mage"), "github.com/magefile/mage")
	build.Dir, build.Env = "..", append(os.Environ(), "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	distributor.Must(t, os.WriteFile(filepath.Join(dir, "plain.yml"), []byte("variant: fcos\nversion: 1.5.0\n"), 0o600))
	if out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", filepath.Join(dir, "base.qcow2"), "64M").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command("sh", "-c", `PATH="$0:$PATH" GOFLAGS= mage plan nodes=1 prefix=real-mage ready=off uri=test:///default \
		image="$0/base.qcow2" config="$0/plain.yml"`, dir)
	cmd.Dir = ".."
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 || strings.Join(strings.Fields(string(out)), " ") != "NODE ACTION REASON real-mage01 create new" {
		t.Errorf("got %v\n%s", err, out)
	}
}
