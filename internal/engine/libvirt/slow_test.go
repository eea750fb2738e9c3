//go:build cgo && libvirt_dlopen

package libvirt

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestADaemonThatHangs accepts, and never answers. This test is run once more as a process of its own: the call never ends.
func TestADaemonThatHangs(t *testing.T) {
	if socket := os.Getenv("HUNG_SOCKET"); socket != "" { //nolint:forbidigo // a test's own word
		_, _ = Open("qemu+unix:///system?socket="+socket, func(error) string { return "" })
		return
	}
	dir, err := os.MkdirTemp("", "") // short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	hung, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = hung.Close() }()
	cmd := exec.Command(os.Args[0], "-test.run=^TestADaemonThatHangs$")
	cmd.Env = append(os.Environ(), "HUNG_SOCKET="+socket)
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	limit := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	defer limit.Stop()
	line := make([]byte, 4096)
	n, _ := said.Read(line)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	want := "waiting for an answer from libvirt at uri=qemu+unix:///system?socket=" + socket + " (Open), since 5s\n"
	if got := string(line[:n]); !strings.HasSuffix(got, want) {
		t.Errorf("want %s, got %s", want, got)
	}
}

// TestMethodOf: what is waited for has the name that the caller knows, also in the rooms inside this one.
func TestMethodOf(t *testing.T) {
	for function, want := range map[string]string{
		"coreos-libvirt/internal/engine/libvirt.(*Conn).Start":                  "Start",
		"coreos-libvirt/internal/engine/libvirt.Open":                           "Open",
		"coreos-libvirt/internal/engine/libvirt/snapshots.Kept.TakeSnapshot":    "TakeSnapshot",
		"coreos-libvirt/internal/engine/libvirt/snapshots.Kept.Snapshots.func1": "",
		"coreos-libvirt/internal/engine/libvirt.TestMethodOf":                   "",
		"coreos-libvirt/internal/engine/libvirtual.Start":                       "",
		"coreos-libvirt/internal/command.Up":                                    "",
		"coreos-libvirt/internal/engine/libvirt":                                "",
	} {
		if name, ours := methodOf(function); ours != (want != "") || ours && name != want {
			t.Errorf("%s: got %q, %v", function, name, ours)
		}
	}
}
