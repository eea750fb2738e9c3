// Package etcdserver is, for tests, etcd itself.
package etcdserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// built is the folder of the program; empty if no test has needed it.
var built string

// Clean removes what was built: TestMain calls it after all tests.
func Clean() {
	if built != "" {
		_ = os.RemoveAll(built)
	}
}

// program is etcd, built once for all tests of a package.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "coreos-libvirt-etcd-")
	if err != nil {
		return "", err
	}
	built = dir
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", dir, "go.etcd.io/etcd/server/v3")
	cmd.Dir, cmd.Env = folder, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return filepath.Join(dir, "server"), nil
})

// Program is the path of the program, which is there until Clean.
func Program(t testing.TB) string {
	t.Helper()
	server, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// folder is the one of the package that is tested, whatever folder its tests go to.
var folder, _ = os.Getwd()

// Start starts the member of that name at the address, with the ports that etcd has by default. It ends with the test.
func Start(t testing.TB, name, address string, flags ...string) *exec.Cmd {
	t.Helper()
	argv := command(t, name, address, flags)
	return started(t, exec.Command(argv[0], argv[1:]...))
}

// Unit is Start, and starts the member again whenever it ends, as a unit of systemd with Restart=always does.
func Unit(t testing.TB, name, address string, flags ...string) *exec.Cmd {
	t.Helper()
	again := []string{"-c", `while true; do "$@"; sleep 0.5; done`, "unit"}
	return started(t, exec.Command("sh", append(again, command(t, name, address, flags)...)...))
}

// command is the member's program, with its flags.
func command(t testing.TB, name, address string, flags []string) []string {
	t.Helper()
	server := Program(t)
	client, peer := "http://"+address+":2379", "http://"+address+":2380"
	return append([]string{
		server, "--name=" + name, "--data-dir=" + t.TempDir(), "--log-level=error", "--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer,
	}, flags...)
}

// started starts the program. All that it starts ends with the test.
func started(t testing.TB, cmd *exec.Cmd) *exec.Cmd {
	t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); _ = cmd.Wait() })
	return cmd
}
