package tests

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"coreos-libvirt/internal/testkit/distributor"
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
	said := &strings.Builder{} // that it compiles, but nothing else
	cmd.Stderr = said
	out, err := cmd.Output()
	if text := said.String(); text != "" && (!strings.HasPrefix(text, "compiling the targets, ") || strings.Count(text, "\n") != 1) {
		t.Errorf("standard error has %q", text)
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 || strings.Join(strings.Fields(string(out)), " ") != "NODE ACTION REASON real-mage01 create new" {
		t.Errorf("got %v\n%s", err, out)
	}
}

// TestManyAtOnce: the first commands in a fresh clone, which all find nothing built, do not break each other; nor does a build of
// Mage's own, which knows nothing of the others, break theirs.
func TestManyAtOnce(t *testing.T) {
	c := newClone(t)
	installed := c.installed(t)
	env := append(os.Environ(), "GOFLAGS=", "MAGEFILE_CACHE="+t.TempDir())
	var all sync.WaitGroup
	start := func(name string, words ...string) {
		cmd := exec.Command(name, words...)
		cmd.Dir, cmd.Env = c.dir, env
		all.Go(func() {
			if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "there are no nodes") {
				t.Errorf("%s: %v\n%s", name, err, out)
			}
		})
	}
	for range 3 {
		start("go", "run", "magefile.go", "status", "uri=test:///default")
	}
	start(installed, "status", "uri=test:///default")
	all.Wait()
	for _, left := range []string{"vm/.build", "magefiles/mage_output_file.go"} {
		if _, err := os.Stat(filepath.Join(c.dir, left)); err == nil {
			t.Errorf("%s is left", left)
		}
	}
}

// TestMageItselfStartsTheTargetsThatItBuilt: users type `mage`, which knows nothing of libvirt's binding. The program that
// has it is built once for each state of the sources.
func TestMageItselfStartsTheTargetsThatItBuilt(t *testing.T) {
	c := newClone(t)
	mage, cache := c.installed(t), t.TempDir()
	status := func() (string, error) {
		cmd := exec.Command("sh", "-c", `PATH="$0:$PATH" GOFLAGS= MAGEFILE_CACHE="$1" mage status uri=test:///default`, filepath.Dir(mage), cache)
		cmd.Dir = c.dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	works := func() {
		t.Helper()
		if out, err := status(); err != nil || !strings.Contains(out, "there are no nodes") {
			t.Fatalf("got %v\n%s", err, out)
		}
	}
	programs := func() (kept map[string]os.FileInfo) {
		t.Helper()
		paths, err := filepath.Glob(filepath.Join(cache, "libvirt_dlopen", "targets-*"))
		distributor.Must(t, err)
		kept = map[string]os.FileInfo{}
		for _, path := range paths {
			kept[path], err = os.Stat(path)
			distributor.Must(t, err)
		}
		return kept
	}
	if out, err := status(); err != nil || strings.Count(out, "compiling the targets, once") != 1 {
		t.Fatalf("the first run: %v\n%s", err, out)
	}
	if out, err := status(); err != nil || strings.Contains(out, "compiling") {
		t.Fatalf("the second run: %v\n%s", err, out)
	}
	first := programs()
	edit := func(name, line string) { c.write(t, name, c.read(t, name)+line) }
	edit("internal/command/status_test.go", "// edited\n")
	works()
	for path, was := range first {
		if is := programs(); len(is) != 1 || !os.SameFile(is[path], was) {
			t.Errorf("built again without need: had %v, got %v", first, is)
		}
		distributor.Must(t, os.Truncate(path, 0)) // the power failed
	}
	works()
	for i, name := range []string{"internal/engine/libvirt/domain.go", "elsewhere/hint.go"} {
		if i == 1 {
			c.write(t, name, c.read(t, "internal/terminal/hint/hint.go"))
			distributor.Must(t, os.Remove(filepath.Join(c.dir, "internal/terminal/hint/hint.go")))
			distributor.Must(t, os.Symlink("../../../"+name, filepath.Join(c.dir, "internal/terminal/hint/hint.go")))
			works()
		}
		before := len(programs())
		edit(name, "\nvar _ = len(`edited`)\n")
		works()
		if after := programs(); len(after) != before+1 {
			t.Errorf("%s was edited, and the same program was started", name)
		}
	}
	edit("internal/engine/libvirt/domain.go", "\nbroken\n") // of the binding only
	if out, err := status(); err == nil || !strings.Contains(out, "domain.go") {
		t.Errorf("got %v\n%s", err, out)
	}
}
