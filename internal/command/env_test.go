//go:build cgo && libvirt_dlopen

package command

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/testkit/sshserver"
)

// TestEnvOfANodeThatDoesNotRun is an error, and `mage sshconfig` leaves it out. Of the others libvirt's driver itself
// knows the addresses.
func TestEnvOfANodeThatDoesNotRun(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=3")
	halt(t, "core01")
	if err := Env(t.Context(), run(t, "node=core01")); err == nil || !strings.Contains(err.Error(), "core01 is shut off\nhint: `"+asCalled(run(t).Settings, "start", "node=core01")+"`") {
		t.Errorf("got %v", err)
	}
	r := run(t)
	if err := SSHConfig(t.Context(), r); err != nil || strings.Contains(r.said(), "Host core01") || !strings.Contains(r.said(), "Host core02\n  HostName 192.168.0.1\n  User core\n") || !strings.Contains(r.said(), "Host core03\n") {
		t.Errorf("got %v\n%s", err, r.said())
	}
	r = run(t, "node=core02", "user=admin")
	if err := Env(t.Context(), r); err != nil || !strings.HasPrefix(r.said(), "export PATH='"+filepath.Join(r.Workspace, "vm/ssh.core/bin")+"':\"$PATH\"\nexport DOCKER_HOST='ssh://admin@core02'\n#") {
		t.Errorf("got %v\n%s", err, r.said())
	}
	for line := range strings.Lines(r.said()) {
		if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "export ") {
			t.Errorf("a shell evaluates %q", line)
		}
	}
	halt(t, "core02", "core03")
	if err := SSHConfig(t.Context(), run(t)); err == nil || !strings.Contains(err.Error(), "core01 is shut off") || !strings.Contains(err.Error(), "core03 is shut off") {
		t.Errorf("none can be reached: got %v", err)
	}
}

// TestDockerByEnv: docker's own client reaches a node in a shell that has evaluated what env prints,
// however often. Of what is behind it there is the real ssh, and docker's own end in the node; the engine is a fake.
func TestDockerByEnv(t *testing.T) {
	if _, err := exec.LookPath("docker"); err != nil {
		t.Skip("needs docker's client (Debian: docker.io)")
	}
	socket := filepath.Join(t.TempDir(), "docker.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			w.Header().Set("Api-Version", "1.44")
			if strings.HasSuffix(q.URL.Path, "/version") {
				fmt.Fprint(w, `{"Version": "99.1.2", "ApiVersion": "1.44"}`)
			}
		}))
	}()
	inClone(t)
	mustUp(t, "nodes=2")
	sshserver.Nodes(t, map[string]*sshserver.Server{"core02": sshserver.Start(t, t.TempDir(), "DOCKER_HOST=unix://"+socket)})
	said := ""
	for _, node := range []string{"core01", "core02", "core02"} {
		r := run(t, "node="+node)
		if err := Env(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		said += r.said()
	}
	shell := exec.Command("sh", "-euc", said+"\ndocker version --format '{{.Server.Version}}'\nssh core02 echo by ssh </dev/null\nssh -G core01 | grep '^hostkeyalias core01'")
	shell.Env = append(os.Environ(), "DOCKER_CONFIG="+t.TempDir())
	out, err := shell.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "99.1.2\n") || !strings.Contains(string(out), "by ssh\n") {
		t.Errorf("%v\n%s\nby\n%s", err, out, said)
	}
}

// halt pulls nodes' plugs.
func halt(t *testing.T, nodes ...string) {
	t.Helper()
	r := run(t)
	if _, err := r.libvirt(); err != nil {
		t.Fatal(err)
	}
	for _, node := range nodes {
		if err := r.conn.Destroy(node); err != nil {
			t.Fatal(err)
		}
	}
}
