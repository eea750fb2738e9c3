package lab

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// newWorld is a lab with so many hypervisors and without guests, which goes with the test.
func newWorld(t *testing.T, hypervisors int) *World {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("makes namespaces, which needs root")
	}
	for _, program := range []string{"libvirtd", "virtlogd", "virsh", "dnsmasq", "sshd", "virt-ssh-helper"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	tmp := t.TempDir()
	workspace := filepath.Join(tmp, "workspace")
	for _, dir := range []string{filepath.Join(workspace, "vm"), filepath.Join(tmp, "store")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(workspace, "a-file"), []byte("a"), 0o644); err != nil {
		t.Fatal(err)
	}
	w := New(workspace, filepath.Join(tmp, "cache"), filepath.Join(tmp, "store"))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	t.Cleanup(func() {
		if err := w.Down(context.Background(), t.Logf); err != nil {
			t.Error(err)
		}
	})
	if err := w.Up(ctx, hypervisors, t.Logf); err != nil {
		t.Fatal(err)
	}
	return w
}

// says is what a program prints that must succeed.
func says(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// fails is what a program prints that must fail.
func fails(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Errorf("%v: it should fail, and prints\n%s", cmd.Args, out)
	}
	return string(out)
}

// onHost is a shell command on a hypervisor, by ssh from the lab's own host.
func onHost(ctx context.Context, w *World, number int, command string) *exec.Cmd {
	return w.Command(ctx, "ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=60", "root@"+hostName(number), command)
}

// away makes sure that nobody answers at a hypervisor.
func away(t *testing.T, w *World, number int) {
	t.Helper()
	out := fails(t, w.Command(t.Context(), "ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=1", "root@"+hostName(number), "true"))
	if !strings.Contains(out, "port 22: Connection timed out") && !strings.Contains(out, "port 22: No route to host") {
		t.Errorf("got %s", out)
	}
}

// TestHypervisors is one story of a lab with two: each part leaves it as it was.
func TestHypervisors(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	for _, part := range []struct {
		says string
		test func(*testing.T, *World)
	}{
		{"ssh and libvirt reach them", reached},
		{"nothing of the client is there", nothingOfTheClient},
		{"a host key that is not known", unknownHostKey},
		{"a cable that is cut", cableCut},
		{"one that is switched off", switchedOff},
	} {
		t.Run(part.says, func(t *testing.T) { part.test(t, w) })
	}
	if err := w.Down(t.Context(), t.Logf); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{w.dir, w.disks} {
		if isThere(path) {
			t.Errorf("%s is left", path)
		}
	}
	if left := ofLab(t, w.dir); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}

// ofLab are the command lines that have the text.
func ofLab(t *testing.T, text string) (found []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		line, _ := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		if strings.Contains(string(line), text) {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

func reached(t *testing.T, w *World) {
	for number := 1; number <= 2; number++ {
		h := w.Host(number)
		if got := says(t, onHost(t.Context(), w, number, "hostname; id -un; ip -br address show br0")); !strings.HasPrefix(got, h.Name()+"\nroot\n") || !strings.Contains(got, " "+h.Address()+"/24") {
			t.Errorf("%s: got %s", h.Name(), got)
		}
		if got := says(t, w.Command(t.Context(), "virsh", "-c", h.URI(), "hostname")); got != h.Name() {
			t.Errorf("%s: libvirt is that of %s", h.Name(), got)
		}
	}
	says(t, w.Command(t.Context(), "virsh", "-q", "-c", w.Host(1).URI(), "pool-create-as", "only-here", "dir", "--target", "/srv", "--build"))
	if got := says(t, w.Command(t.Context(), "virsh", "-q", "-c", w.Host(2).URI(), "pool-list", "--name")); got != "" {
		t.Errorf("hv2 has the pool of hv1: %s", got)
	}
}

func nothingOfTheClient(t *testing.T, w *World) {
	workspace := filepath.Dir(filepath.Dir(w.lock))
	paths := strings.Join([]string{filepath.Join(workspace, "a-file"), w.store, w.cache, w.dir, w.disks}, " ")
	says(t, w.Command(t.Context(), "sh", "-c", "ls -d "+paths)) // the client has all of them
	out := says(t, onHost(t.Context(), w, 1, "ls -d "+paths+" /tmp/* /home/* /root/* 2>/dev/null; touch /usr/a-file 2>&1; ps -e -o comm= | grep -v -e ssh -e libvirtd -e virtlogd -e bash -e sleep -e ps -e grep; true"))
	if !strings.HasPrefix(out, "touch: ") || !strings.Contains(out, "Read-only file system") || strings.Contains(out, "\n") {
		t.Errorf("the hypervisor sees\n%s", out)
	}
}

func unknownHostKey(t *testing.T, w *World) {
	path := filepath.Join(w.SSH(), "known_hosts")
	known, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, nil, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range []*exec.Cmd{onHost(t.Context(), w, 1, "true"), w.Command(t.Context(), "virsh", "-c", w.Host(1).URI(), "hostname")} {
		if out := fails(t, cmd); !strings.Contains(out, "Host key verification failed") {
			t.Errorf("got %s", out)
		}
	}
	if err := os.WriteFile(path, known, 0o600); err != nil {
		t.Fatal(err)
	}
}

func cableCut(t *testing.T, w *World) {
	h := w.Host(1)
	if err := h.Cut(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.Up(t.Context(), 2, t.Logf); err != nil { // as each run in the lab does
		t.Fatal(err)
	}
	away(t, w, 1)
	says(t, onHost(t.Context(), w, 2, "true"))
	if err := h.Mend(t.Context()); err != nil {
		t.Fatal(err)
	}
	says(t, onHost(t.Context(), w, 1, "true"))
}

// switchedOff is one without power: it is off until somebody switches it on, and has its disk then, and nothing that ran.
func switchedOff(t *testing.T, w *World) {
	h := w.Host(2)
	says(t, onHost(t.Context(), w, 2, "echo kept >/var/lib/libvirt/kept; touch /tmp/lost; (sleep 1000 >/dev/null 2>&1 &)"))
	if err := h.Off(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.Up(t.Context(), 2, t.Logf); err != nil {
		t.Fatal(err)
	}
	away(t, w, 2)
	says(t, onHost(t.Context(), w, 1, "true"))
	if err := h.On(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := says(t, onHost(t.Context(), w, 2, "cat /var/lib/libvirt/kept; ls /tmp; pgrep -x sleep | wc -l")); got != "kept\n1" { // its first process has one
		t.Errorf("got %s", got)
	}
}
