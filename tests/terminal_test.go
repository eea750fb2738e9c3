package tests

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/gofrs/flock"

	"coreos-libvirt/internal/testkit/distributor"
)

// TestColours are for terminals, and for who wants them.
func TestColours(t *testing.T) {
	w := crashWorkspace(t)
	for _, node := range []string{"core01", "core02"} {
		dir := filepath.Join(w.dir, "vm", node)
		distributor.Must(t, os.MkdirAll(dir, 0o755))
		distributor.Must(t, os.WriteFile(filepath.Join(dir, "console.log"), []byte("\x1b[31mred\n"), 0o600))
	}
	logs := func(env ...string) string {
		cmd := w.target("logs")
		cmd.Env = append(cmd.Env, append(env, "TERM=xterm")...)
		cmd.SysProcAttr = nil // it gets a session of its own
		terminal, err := pty.Start(cmd)
		distributor.Must(t, err)
		out, _ := io.ReadAll(terminal) // which ends with an error
		distributor.Must(t, cmd.Wait())
		return strings.ReplaceAll(string(out), "\r", "")
	}
	if got := logs(); !strings.Contains(got, "\x1b[36mcore01\x1b[0m red\n") || !strings.Contains(got, "\x1b[33mcore02\x1b[0m red\n") {
		t.Errorf("on a terminal: got %q", got)
	}
	if got := logs("NO_COLOR=1"); got != "core01 red\ncore02 red\n" {
		t.Errorf("NO_COLOR: got %q", got)
	}
	if got := w.must(t, "logs"); got != "core01 red\ncore02 red\n" {
		t.Errorf("in a pipe: got %q", got)
	}
}

// TestAnotherRunIsAtTheCluster: who does not wait for it fails, who does can be interrupted, and comes when it is over.
func TestAnotherRunIsAtTheCluster(t *testing.T) {
	w := crashWorkspace(t)
	distributor.Must(t, os.MkdirAll(filepath.Join(w.dir, "vm"), 0o755))
	other := flock.New(filepath.Join(w.dir, "vm", ".lock.core"))
	distributor.Must(t, other.Lock())

	hasty := w.target("up")
	hasty.Args = append(hasty.Args, "wait=false")
	out, err := hasty.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), "core: another run is changing this cluster\nhint: add wait=true to the command") {
		t.Errorf("wait=false: got %v\n%s", err, out)
	}

	waiting := func() (*exec.Cmd, *output) {
		up, said := w.target("up"), &output{}
		up.Stdout, up.Stderr = said, said
		distributor.Must(t, up.Start())
		for !strings.Contains(said.String(), "core: waiting for another run, which is changing this cluster") {
			time.Sleep(50 * time.Millisecond)
		}
		return up, said
	}
	up, said := waiting()
	begin := time.Now()
	distributor.Must(t, syscall.Kill(-up.Process.Pid, syscall.SIGINT))
	err = up.Wait()
	if took := time.Since(begin); !errors.As(err, &exit) || exit.ExitCode() != 130 || took > 20*time.Second || // the other one would never end; TestTiny has the two seconds
		!strings.Contains(said.String(), "interrupted\n") || strings.Contains(said.String(), "left") {
		t.Errorf("interrupted after %s: got %v\n%s", took, err, said.String())
	}

	up, said = waiting()
	distributor.Must(t, other.Unlock())
	if err := up.Wait(); err != nil || strings.Count(said.String(), ": booting") != 3 {
		t.Errorf("got %v\n%s", err, said.String())
	}
}
