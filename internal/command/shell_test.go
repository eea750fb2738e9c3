//go:build cgo && libvirt_dlopen

package command

import (
	"context"
	"errors"
	"os/exec"
	"testing"

	"coreos-libvirt/internal/workspace/session"
)

// TestWhatEndsByItselfHasItsOwnStatus: what runs in the user's place may end well when the user interrupts it.
func TestWhatEndsByItselfHasItsOwnStatus(t *testing.T) {
	for script, want := range map[string]error{"echo; read _": nil, "echo; read _; exit 7": session.ExitStatus(7)} {
		ctx, interrupt := context.WithCancel(t.Context())
		cmd := endsByItself(exec.CommandContext(ctx, "sh", "-c", script))
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- session.InPlace(cmd) }()
		if _, err := stdout.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		interrupt()
		if _, err := stdin.Write([]byte("\n")); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, want) {
			t.Errorf("%s: got %v", script, err)
		}
	}
}
