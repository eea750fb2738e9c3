//go:build cgo && libvirt_dlopen

package command

import (
	"strings"
	"testing"
)

// TestEnvOfANodeThatDoesNotRun is an error, and `mage sshconfig` leaves it out. Of the others libvirt's driver itself
// knows the addresses.
func TestEnvOfANodeThatDoesNotRun(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=3")
	halt(t, "core01")
	if err := Env(t.Context(), run(t, "node=core01")); err == nil || !strings.Contains(err.Error(), "core01: it does not run (shut off)\nhint: `"+asCalled(run(t).Settings, "start", "node=core01")+"`") {
		t.Errorf("got %v", err)
	}
	r := run(t)
	if err := SSHConfig(t.Context(), r); err != nil || strings.Contains(r.said(), "Host core01") || !strings.Contains(r.said(), "Host core02\n  HostName 192.168.0.1\n  User core\n") || !strings.Contains(r.said(), "Host core03\n") {
		t.Errorf("got %v\n%s", err, r.said())
	}
	r = run(t, "node=core02", "user=admin")
	if err := Env(t.Context(), r); err != nil || !strings.HasPrefix(r.said(), "export DOCKER_HOST='ssh://admin@core02'\n#") {
		t.Errorf("got %v\n%s", err, r.said())
	}
	for line := range strings.Lines(r.said()) {
		if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "export ") {
			t.Errorf("a shell evaluates %q", line)
		}
	}
	halt(t, "core02", "core03")
	if err := SSHConfig(t.Context(), run(t)); err == nil || !strings.Contains(err.Error(), "core01: it does not run") || !strings.Contains(err.Error(), "core03: it does not run") {
		t.Errorf("none can be reached: got %v", err)
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
