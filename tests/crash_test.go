package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"coreos-libvirt/internal/testkit/distributor"
)

// crashPoints is at how many points TestCrashes kills `up`, in so many workspaces at once.
const crashPoints, atOnce = 25, 5

// TestCrashes kills `up` at points spread over its run, on libvirt's in-process driver, whose domains go with the process:
// what is left are files. An `up` follows that completes, and a `down` that leaves nothing.
func TestCrashes(t *testing.T) {
	var all sync.WaitGroup
	for i := range atOnce {
		w := crashWorkspace(t)
		all.Go(func() {
			begin := time.Now()
			w.must(t, "up")
			took := time.Since(begin)
			w.must(t, "down")
			for point := i; point < crashPoints; point += atOnce {
				w.crash(t, took*time.Duration(point+1)/crashPoints)
			}
		})
	}
	all.Wait()
}

// onTestDriver is a workspace with a small image on libvirt's in-process driver.
type onTestDriver struct{ dir string }

func crashWorkspace(t *testing.T) onTestDriver {
	t.Helper()
	w := onTestDriver{t.TempDir()}
	distributor.Must(t, os.CopyFS(filepath.Join(w.dir, "templates"), os.DirFS("../templates")))
	path := filepath.Join(w.dir, "templates", "domain.xml.tmpl")
	template, err := os.ReadFile(path)
	distributor.Must(t, err)
	distributor.Must(t, os.WriteFile(path, []byte(strings.ReplaceAll(string(template), "{{.Type}}", "test")), 0o600))
	distributor.Must(t, os.WriteFile(filepath.Join(w.dir, "plain.yml"), []byte("variant: fcos\nversion: 1.5.0\n"), 0o600))
	if out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", filepath.Join(w.dir, "base.qcow2"), "1M").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return w
}

func (w onTestDriver) target(target string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(built, "mage"), target)
	cmd.Dir, cmd.Env = w.dir, append(os.Environ(), "COREOS_NODES=3", "COREOS_DISK=1", "COREOS_READY=off", "COREOS_URI=test:///default",
		"COREOS_IMAGE=base.qcow2", "COREOS_CONFIG=plain.yml", "COREOS_STORE="+filepath.Join(w.dir, "store"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

func (w onTestDriver) must(t *testing.T, target string) string {
	t.Helper()
	out, err := w.target(target).CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", target, err, out)
	}
	return string(out)
}

func (w onTestDriver) crash(t *testing.T, after time.Duration) {
	t.Helper()
	up := w.target("up")
	distributor.Must(t, up.Start())
	time.Sleep(after)
	_ = syscall.Kill(-up.Process.Pid, syscall.SIGKILL) // it may have ended
	_ = up.Wait()
	if out := w.must(t, "up"); strings.Count(out, ": booting") != 3 {
		t.Errorf("killed after %s, then up: got\n%s", after, out)
	}
	w.must(t, "down")
	left, err := os.ReadDir(filepath.Join(w.dir, "vm"))
	distributor.Must(t, err)
	for _, entry := range left {
		if !strings.HasPrefix(entry.Name(), ".lock.") && entry.Name() != ".workspace" {
			t.Errorf("killed after %s, up, down: vm/ has %s", after, entry.Name())
		}
	}
}
