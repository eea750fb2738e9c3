//go:build cgo && libvirt_dlopen

package command

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"coreos-libvirt/internal/testkit/hypervisor"
	"coreos-libvirt/internal/testkit/pace"
)

// heard is what a client has said so far.
type heard struct {
	mu   sync.Mutex
	said bytes.Buffer
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.said.Write(p)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.said.String()
}

// client is a run of targets in a process of its own. Another machine's has the workspace at the same path, a copy of it, and an id of its own.
func client(t *testing.T, words, here, copied, id string) (*exec.Cmd, *heard) {
	t.Helper()
	cmd, said := exec.Command(os.Args[0], "-child="+words), &heard{}
	if copied != "" {
		cmd = exec.Command("unshare", "--mount", "sh", "-ec", `mount --bind "$1" "$2"; mount --bind "$3" /etc/machine-id; cd "$2"; shift 3; exec "$@"`, "sh", copied, here, id, os.Args[0], "-child="+words)
	}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, said
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(pace.Hang); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
	}
}

// TestTwoClientsAtOnce: of two clients on two machines that change one cluster at once, the second says for whom it waits, and both end as if
// one had come after the other.
func TestTwoClientsAtOnce(t *testing.T) {
	template, err := os.ReadFile("../../templates/domain.xml.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	h := hypervisor.Start(t, "hv1", "/var/cache/coreos-libvirt/lab-libvirt")
	inClone(t)
	save(t, "templates/domain.xml.tmpl", string(template))
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	image, copied, id := filepath.Join(t.TempDir(), "base.qcow2"), filepath.Join(t.TempDir(), "copied"), filepath.Join(t.TempDir(), "id")
	if err := os.Rename("base.qcow2", image); err != nil {
		t.Fatal(err)
	}
	save(t, id, strings.Repeat("0123", 8)+"\n")
	for key, value := range map[string]string{"URI": h.URI, "IMAGE": image, "ACCEL": "tcg", "NODES": "1"} {
		t.Setenv("COREOS_"+key, value)
	}
	inChild(t, 0, "define")
	if err := os.CopyFS(copied, os.DirFS(here)); err != nil {
		t.Fatal(err)
	}

	// The first stands still while it has the lease: its config comes by a pipe.
	if err := os.Rename("plain.yml", "later.yml"); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo("plain.yml", 0o600); err != nil {
		t.Fatal(err)
	}
	first, saidFirst := client(t, "define,nodes=2", here, "", "")
	pipe, err := os.OpenFile("plain.yml", os.O_WRONLY, 0) // when it reads
	if err != nil {
		t.Fatal(err)
	}
	if leases := h.Run(t, "virsh net-list --all --name"); !strings.HasPrefix(leases, "coreos-libvirt-core-") {
		t.Errorf("there are %q", leases)
	}
	second, saidSecond := client(t, "define,nodes=2", here, copied, id)
	eventually(t, "the second client waits", func() bool {
		return strings.Contains(saidSecond.String(), "core: waiting for ") && strings.Contains(saidSecond.String(), ", in "+here+", since ")
	})
	if err := os.Rename("later.yml", "plain.yml"); err != nil {
		t.Fatal(err)
	}
	if _, err := pipe.WriteString(plain); err != nil || pipe.Close() != nil {
		t.Fatal(err)
	}
	if err := first.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, saidFirst)
	}
	if err := second.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, saidSecond)
	}
	if !strings.Contains(saidFirst.String(), "core02: defined, new") || strings.Contains(saidSecond.String(), "core02: defined, new") || !strings.Contains(saidSecond.String(), "core02: defined, unchanged") {
		t.Errorf("the first said\n%s\nthe second said\n%s", saidFirst, saidSecond)
	}
	if got := strings.Join(strings.Fields(h.Run(t, "virsh list --all --name; virsh net-list --all --name")), " "); got != "core01 core02" {
		t.Errorf("there are %s", got)
	}
}
