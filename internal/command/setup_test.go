//go:build cgo && libvirt_dlopen

package command

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What host:setup prints is a script: the shell takes it, and what is no command is a comment.
func TestHostSetupPrintsAScript(t *testing.T) {
	inClone(t)
	r := run(t, "nic=lo", "bridge=no-such-bridge") // which is no card to be bridged
	err := HostSetup(t.Context(), r)
	if err == nil || !strings.Contains(err.Error(), "nothing was changed: nic=lo: this is not an Ethernet card, as a bridge's port must be\nhint: ") {
		t.Errorf("got %v", err)
	}
	if strings.Contains(r.said(), "no-such-bridge over") { // no step of a bridge that is refused
		t.Errorf("got\n%s", r.said())
	}
	r = run(t, "network=no-such-network")
	if err := HostSetup(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte(r.said()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("sh", "-n", path).CombinedOutput(); err != nil {
		t.Errorf("%v: %s\n%s", err, out, r.said())
	}
	for _, want := range []string{". network no-such-network of libvirt\n#    why: ", "\nvirsh -q -c qemu:///system net-start no-such-network\n", " apply=true` does all this"} {
		if !strings.Contains(r.said(), want) {
			t.Errorf("no %q in\n%s", want, r.said())
		}
	}
}
