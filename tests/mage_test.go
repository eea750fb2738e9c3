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
	dir := filepath.Dir(clone{dir: ".."}.installed(t))
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

// TestMageItselfStartsTheTargetsThatItBuilt: users type `mage`, which knows nothing of libvirt's binding. The program that
// has it is built once for each state of the sources.
func TestMageItselfStartsTheTargetsThatItBuilt(t *testing.T) {
	c := newClone(t)
	mage, cache := c.installed(t), t.TempDir()
	status := func() (string, error) {
		cmd := exec.Command(mage, "status", "uri=test:///default")
		cmd.Dir = c.dir
		cmd.Env = append(os.Environ(), "MAGEFILE_CACHE="+cache, "GOFLAGS=", "PATH="+filepath.Dir(mage)+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	built := func() (string, os.FileInfo) {
		t.Helper()
		programs, err := filepath.Glob(filepath.Join(cache, "libvirt_dlopen", "targets-*"))
		if err != nil || len(programs) != 1 {
			t.Fatalf("got %q, %v", programs, err)
		}
		info, err := os.Stat(programs[0])
		if err != nil {
			t.Fatal(err)
		}
		return programs[0], info
	}
	works := func() {
		t.Helper()
		if out, err := status(); err != nil || !strings.Contains(out, "there are no nodes") {
			t.Fatalf("got %v\n%s", err, out)
		}
	}
	works()
	first, made := built()
	works()
	if again, info := built(); again != first || !info.ModTime().Equal(made.ModTime()) {
		t.Errorf("built again without need: %s, then %s", first, again)
	}
	edit := func(name, line string) { c.write(t, name, c.read(t, name)+line) }
	edit("internal/stage/status_test.go", "// edited\n")
	works()
	if again, _ := built(); again != first {
		t.Error("a test was edited, no target has changed")
	}
	edit("internal/stage/run.go", "\n// edited\n")
	works()
	if again, _ := built(); again == first {
		t.Error("a source was edited, and the same program was started")
	}
	edit("internal/hypervisor/domain.go", "\nbroken\n") // of the binding only
	if out, err := status(); err == nil || !strings.Contains(out, "cannot build the targets with libvirt's binding") || !strings.Contains(out, "domain.go") {
		t.Errorf("got %v\n%s", err, out)
	}
}
