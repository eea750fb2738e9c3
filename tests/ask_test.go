package tests

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"

	"coreos-libvirt/internal/testkit/distributor"
)

// TestDownAsksOnATerminal: what is not a clear yes removes nothing, an interruption neither.
func TestDownAsksOnATerminal(t *testing.T) {
	w := crashWorkspace(t)
	if out, err := w.target("define").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	host := w.hostOf(t, "core01", "core02", "core03")
	for _, c := range []struct {
		answer, want string
		removed      bool
	}{
		{"\n", "Error: nothing was removed", false},
		{"no\n", "Error: nothing was removed", false},
		{"\x03", "Error: interrupted", false},
		{"y\n", "down: vm/ cleared", true},
	} {
		cmd := w.target("down")
		cmd.Env = append(cmd.Env, "COREOS_URI="+host)
		cmd.SysProcAttr = nil // it gets a session of its own
		terminal, err := pty.Start(cmd)
		distributor.Must(t, err)
		said := ""
		for part := make([]byte, 4096); !strings.Contains(said, "Go on? [y/N] "); {
			n, err := terminal.Read(part)
			if said += string(part[:n]); err != nil {
				t.Fatalf("it did not ask: %v\n%s", err, said)
			}
		}
		_, err = io.WriteString(terminal, c.answer)
		distributor.Must(t, err)
		rest, _ := io.ReadAll(terminal) // which ends with an error
		var exit *exec.ExitError
		if err := cmd.Wait(); errors.As(err, &exit) == c.removed || !strings.Contains(string(rest), c.want) || !strings.Contains(said, "core03   core      running") {
			t.Errorf("%q: got %v\n%s%s", c.answer, err, said, rest)
		}
		if _, err := os.Stat(filepath.Join(w.dir, "vm", "core01", "core01.qcow2")); (err != nil) != c.removed {
			t.Errorf("%q: the disk: %v", c.answer, err)
		}
	}
}

// hostOf is the URI of a host of libvirt's test driver that has the nodes as they are defined in their folders, running.
func (w onTestDriver) hostOf(t *testing.T, nodes ...string) string {
	t.Helper()
	path := filepath.Join(w.dir, "host.xml")
	text, uri := "<node>", "test://"+path
	for _, node := range nodes {
		file := filepath.Join(w.dir, "vm", node, "domain.xml")
		definition, err := os.ReadFile(file)
		distributor.Must(t, err)
		here := strings.ReplaceAll(string(definition), "test:///default", uri)
		distributor.Must(t, os.WriteFile(file, []byte(here), 0o600))
		text += here
	}
	text += "<cpu><mhz>1000</mhz><model>x86_64</model><active>1</active><nodes>1</nodes><sockets>1</sockets><cores>1</cores><threads>1</threads></cpu><memory>1048576</memory></node>"
	distributor.Must(t, os.WriteFile(path, []byte(text), 0o600))
	return uri
}
