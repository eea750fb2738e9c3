package facts

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/lab/guestimage"
	"coreos-libvirt/internal/testkit/pace"
)

// world is a small system with what both distributions have, as far as this machine has it, a bash without network
// redirections, and a /usr that cannot be written.
type world struct {
	dir, bash string
	programs  []string
}

// newWorld needs root, for namespaces, and builds the bash that is in the lab's stand-in for Flatcar, once.
func newWorld(t *testing.T, without ...string) world {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("namespaces need root")
	}
	bash, err := guestimage.EnsureBash(t.Context(), "/var/cache/coreos-libvirt", t.Logf)
	if err != nil {
		t.Skipf("a bash without network redirections cannot be built here: %v", err)
	}
	w := world{dir: t.TempDir(), bash: bash}
	for _, p := range Programs {
		if p.On(FCOS) && p.On(Flatcar) && !strings.Contains(p.Name, " ") && !slices.Contains(append(without, "docker"), p.Name) {
			w.programs = append(w.programs, p.Name)
		}
	}
	for _, folder := range []string{"world", "standins"} {
		if err := os.Mkdir(filepath.Join(w.dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(w.port(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w world) port() string { return filepath.Join(w.dir, "port") }

// standIn is a program that only tells what it is called with.
func (w world) standIn(t *testing.T, name string) {
	t.Helper()
	text := fmt.Sprintf("#!/bin/sh\necho \"%s $*\"\n", name)
	if err := os.WriteFile(filepath.Join(w.dir, "standins", name), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// command runs a script there.
func (w world) command(ctx context.Context, t *testing.T, text string) *exec.Cmd {
	t.Helper()
	script := filepath.Join(w.dir, "script")
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "bash", "testdata/world.sh",
		filepath.Join(w.dir, "world"), script, w.bash, strings.Join(w.programs, " "), filepath.Join(w.dir, "standins"), w.port())
	cmd.WaitDelay = time.Minute
	return cmd
}

func (w world) run(t *testing.T, text string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), pace.Hang)
	defer cancel()
	out, err := w.command(ctx, t, text).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// TestWorld makes sure that the world lacks what it should.
func TestWorld(t *testing.T) {
	out := newWorld(t).run(t, `: </dev/tcp/127.0.0.1/9
for p in perl python3 nc podman docker; do command -v $p; done
echo x >/usr/x
ip -o address show scope global | head -n 1`)
	for _, want := range []string{"/dev/tcp/127.0.0.1/9: No such file or directory", "/usr/x: Read-only file system", "inet 10.9.8.7/24"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "/path/") {
		t.Errorf("some programs are there:\n%s", out)
	}
}

// TestReadyInTheWorld: the readiness unit's script tells where the node is, though no sshd answers.
func TestReadyInTheWorld(t *testing.T) {
	for _, without := range [][]string{nil, {"ssh-keyscan"}} {
		w := newWorld(t, without...)
		ctx, cancel := context.WithTimeout(t.Context(), pace.Hang)
		defer cancel()
		cmd := w.command(ctx, t, string(shipped(t, "ready.sh")))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		report := w.report(ctx, t)
		cancel()
		_ = cmd.Wait()
		lo := report.Address("00:00:00:00:00:00")
		if lo != "10.9.8.7" || report.BootID == "" || report.Network.At == 0 || report.SSHD.Missing != "nothing listens on port 22 yet" {
			t.Errorf("without %v: got %+v", without, report)
		}
	}
}

// report waits for a report on the port.
func (w world) report(ctx context.Context, t *testing.T) (report guest.Report) {
	t.Helper()
	for ctx.Err() == nil {
		text, _ := os.ReadFile(w.port())
		if json.Unmarshal(text, &report) == nil && report.BootID != "" {
			return report
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Error("no report")
	return report
}

func shippedFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "ignition", "files", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestMetadataInTheWorld(t *testing.T) {
	if out := newWorld(t).run(t, shippedFile(t, "metadata.sh")+"\ncat /run/metadata/coreos"); out != "COREOS_CUSTOM_PRIVATE_IPV4=10.9.8.7\n" {
		t.Errorf("got %s", out)
	}
}

// TestEtcdInTheWorld: with Podman as on Fedora CoreOS, and with Docker as on Flatcar.
func TestEtcdInTheWorld(t *testing.T) {
	for _, test := range []struct {
		programs []string
		want     string
	}{{[]string{"podman", "docker"}, "podman run --replace "}, {[]string{"docker"}, "docker run "}} {
		w := newWorld(t)
		for _, program := range test.programs {
			w.standIn(t, program)
		}
		out := w.run(t, shippedFile(t, "etcd.sh"))
		if !strings.HasPrefix(out, test.want) || !strings.Contains(out, " --initial-advertise-peer-urls=http://10.9.8.7:2380 ") {
			t.Errorf("with %v: got %s", test.programs, out)
		}
	}
}
