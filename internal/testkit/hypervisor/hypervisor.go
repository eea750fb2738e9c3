// Package hypervisor is, for tests, another host with a libvirt, which is reached by ssh. It is made of namespaces: it sees none of this
// host's files below /tmp, and no network leads to it but ssh.
package hypervisor

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/testkit/pace"
)

// script makes the inside.
//
//go:embed hypervisor.sh
var script string

// Host is such a host, as long as the test runs.
type Host struct {
	URI  string // qemu+ssh://root@<name>/system
	Name string
	dir  string // keys and ssh's configuration
	pid  int    // of what holds the namespaces, as this host sees it
}

// Start makes a host of that name. ssh finds it in this process, and in those that it starts. What libvirt knows of QEMU is in the
// folder cache, if that is not empty: else it takes seconds to find out.
func Start(t testing.TB, name, cache string) *Host {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("makes namespaces")
	}
	for _, program := range []string{"libvirtd", "virt-ssh-helper", "sshd", "ssh", "nsenter"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("there is no " + program)
		}
	}
	h := &Host{URI: "qemu+ssh://root@" + name + "/system", Name: name, dir: t.TempDir()}
	for _, key := range []string{"key", "host_key"} {
		run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(h.dir, key))
	}
	if _, err := os.Stat(cache); err != nil {
		cache = ""
	}
	log, err := os.Create(filepath.Join(h.dir, "log"))
	must(t, err)
	cmd := exec.Command("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private", "--", "bash", "-c", script, "hypervisor", h.dir, cache)
	cmd.Stdout, cmd.Stderr = log, log
	_, err = cmd.StdinPipe() // which ends with this process, however that ends
	must(t, err)
	must(t, cmd.Start())
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended; _ = log.Close() })
	h.await(t, ended)
	h.pid = child(t, cmd.Process.Pid)
	h.configure(t)
	return h
}

func (h *Host) await(t testing.TB, ended <-chan struct{}) {
	t.Helper()
	for deadline := time.Now().Add(pace.Hang); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(h.dir, "made")); !errors.Is(err, fs.ErrNotExist) {
			must(t, err)
			return
		}
		select {
		case <-ended:
			log, _ := os.ReadFile(filepath.Join(h.dir, "log"))
			t.Fatalf("the hypervisor ended\n%s", log)
		default:
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(h.dir, "log"))
			t.Fatalf("the hypervisor is not there\n%s", log)
		}
	}
}

// child is the process that is the first in the namespaces.
func child(t testing.TB, parent int) (pid int) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", parent, parent))
	must(t, err)
	_, err = fmt.Sscan(string(text), &pid)
	must(t, err)
	return pid
}

// configure has ssh reach the host by its name: an sshd in the namespaces is what its proxy command starts.
func (h *Host) configure(t testing.TB) {
	t.Helper()
	public, err := os.ReadFile(filepath.Join(h.dir, "host_key.pub"))
	must(t, err)
	must(t, os.WriteFile(h.KnownHosts(), []byte(h.Name+" "+string(public)), 0o600))
	config := fmt.Sprintf("Host %s\n  UserKnownHostsFile %s\n  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n  IdentityFile %s\n  IdentitiesOnly yes\n  BatchMode yes\n  LogLevel ERROR\n"+
		"  ProxyCommand nsenter --target %d --mount --net --pid -- %s -i -f /etc/ssh/sshd_config -E /mnt/state/sshd.log\n",
		h.Name, h.KnownHosts(), filepath.Join(h.dir, "key"), h.pid, "/usr/sbin/sshd")
	must(t, os.WriteFile(filepath.Join(h.dir, "config"), []byte(config), 0o600))
	before, err := exec.LookPath("ssh") // another host's, or the system's
	must(t, err)
	wrapper := fmt.Sprintf("#!/bin/sh\n[ \"$1\" != -C ] || shift # it costs more here than it saves\ncase \" $* \" in *\" %[1]s \"*|*\"@%[1]s \"*) exec /usr/bin/ssh -F %[2]s \"$@\" ;; esac\nexec %[3]s \"$@\"\n", h.Name, filepath.Join(h.dir, "config"), before)
	folder := t.TempDir()
	must(t, os.WriteFile(filepath.Join(folder, "ssh"), []byte(wrapper), 0o755))
	path, _ := settings.System().Lookup("PATH")
	t.Setenv("PATH", folder+":"+path)
}

// KnownHosts is the file of host keys that ssh takes for known.
func (h *Host) KnownHosts() string { return filepath.Join(h.dir, "known_hosts") }

// Command is a program on the host.
func (h *Host) Command(argv ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{"--target", fmt.Sprint(h.pid), "--mount", "--net", "--pid", "--"}, argv...)...)
}

// Run runs a script of a shell on the host, which must succeed, and gives what it wrote.
func (h *Host) Run(t testing.TB, script string) string {
	t.Helper()
	out, err := h.Command("sh", "-ec", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return strings.TrimSpace(string(out))
}

// Listen is a port of the host's own loopback network, which nobody else reaches, and which this process serves.
func (h *Host) Listen(t testing.TB) net.Listener {
	t.Helper()
	return h.ListenAt(t, "127.0.0.1:0")
}

// ListenAt is Listen at an address of the host's own loopback network, which may be one of this process, too.
func (h *Host) ListenAt(t testing.TB, address string) net.Listener {
	t.Helper()
	type result struct {
		net.Listener
		error
	}
	listening := make(chan result)
	go func() {
		runtime.LockOSThread() // the thread ends with this goroutine: it is of another network by then
		space, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", h.pid))
		if err == nil {
			err = unix.Setns(int(space.Fd()), unix.CLONE_NEWNET)
			_ = space.Close()
		}
		if err != nil {
			listening <- result{nil, err}
			return
		}
		listener, err := net.Listen("tcp", address)
		listening <- result{listener, err}
	}()
	got := <-listening
	must(t, got.error)
	return got.Listener
}

// Cut ends all connections to the host. New ones can be made.
func (h *Host) Cut(t testing.TB) {
	t.Helper()
	h.Run(t, `for p in /proc/[0-9]*; do case $(cat "$p/comm" 2>/dev/null) in sshd*|virt-ssh-helper*) kill -9 "${p#/proc/}" || true ;; esac; done`)
}

func run(t testing.TB, argv ...string) {
	t.Helper()
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", argv, err, out)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
