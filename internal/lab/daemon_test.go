package lab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestDaemon(t *testing.T) {
	d := daemon{name: "sleep", dir: t.TempDir()}
	if d.alive() {
		t.Error("nothing was started")
	}
	cmd := exec.Command("sleep", "60")
	if err := d.start(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	if d.pid() != cmd.Process.Pid {
		t.Errorf("got %d, want %d", d.pid(), cmd.Process.Pid)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); d.alive(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it lives on after it was killed")
		}
	}
}

// A pid that was given to another process is not the daemon.
func TestDaemonIsNotWhoHasItsPid(t *testing.T) {
	d := daemon{name: "x", dir: t.TempDir()}
	for _, text := range []string{fmt.Sprintf("%d 1\n", os.Getpid()), "1\n", "x y\n", ""} {
		if err := os.WriteFile(d.file(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if d.alive() {
			t.Errorf("%q is taken for the daemon", text)
		}
	}
}

func TestDaemonFailureHasItsWords(t *testing.T) {
	d := daemon{name: "sh", dir: t.TempDir()}
	cmd := exec.Command("sh", "-c", "echo no such bridge >&2; sleep 0.2; exit 1")
	if err := d.start(cmd); err != nil {
		t.Fatal(err)
	}
	for d.alive() {
		time.Sleep(10 * time.Millisecond)
	}
	if err := d.failed(os.ErrClosed); !strings.Contains(err.Error(), "no such bridge") {
		t.Errorf("got %v", err)
	}
}

// TestADaemonThatNobodyKnowsOf does not begin: what kills the lab's run at that moment would leave it for ever.
func TestADaemonThatNobodyKnowsOf(t *testing.T) {
	d := daemon{name: "x", dir: t.TempDir()}
	if err := os.Mkdir(d.file(), 0o755); err != nil { // it cannot be written
		t.Fatal(err)
	}
	begun := filepath.Join(t.TempDir(), "begun")
	cmd := exec.Command("touch", begun)
	if err := d.start(cmd); err == nil {
		t.Error("it should say that it cannot write its file")
	}
	_ = cmd.Wait()
	if isThere(begun) {
		t.Error("it has begun")
	}
}

func TestLabsOfTwoClonesDiffer(t *testing.T) {
	a, b := New("/a", "/cache", "/store"), New("/b", "/cache", "/store")
	if a.id == b.id || a.dir == b.dir || New("/a", "/cache", "/store").id != a.id {
		t.Errorf("got %s and %s", a.dir, b.dir)
	}
}

// within must never name a process of the namespace that this one is in.
func TestWithinSparesThisHost(t *testing.T) {
	if pids := within(map[string]bool{netOf(os.Getpid()): true, "": true}); len(pids) != 0 {
		t.Errorf("got %v", pids)
	}
}

// TestTheLastLabRemovesTheFolders that the first has made.
func TestTheLastLabRemovesTheFolders(t *testing.T) {
	root := t.TempDir()
	all, made := filepath.Join(root, "labs"), filepath.Join(root, "made")
	first, last := &World{dir: filepath.Join(all, "first")}, &World{dir: filepath.Join(all, "last")}
	for _, dir := range []string{first.dir, last.dir, made} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(all, foldersFile), []byte(made+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := first.removeState(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(made); err != nil {
		t.Errorf("the other lab stands on it: %v", err)
	}
	if err := last.removeState(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{made, all} {
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", path, err)
		}
	}
	if err := last.removeState(); err != nil {
		t.Errorf("there is nothing: %v", err)
	}
}
