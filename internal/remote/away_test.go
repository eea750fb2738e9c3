package remote

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/testkit/hypervisor"
)

// TestAMachineThatStandsStill in the middle of a run, as one without power: that ends, and says so.
func TestAMachineThatStandsStill(t *testing.T) {
	h := hypervisor.Start(t, "hv1", "/var/cache/coreos-libvirt/lab-libvirt")
	was := aliveEvery
	aliveEvery = time.Second
	t.Cleanup(func() { aliveEvery = was })
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n[ \"$1\" != version ] || exit 0\necho begun\nexec sleep 100000\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	m := Machine{Name: "hv1", Destination: "root@hv1"}
	err := m.Run(t.Context(), Program{Path: program, Stdout: when("begun", func() { h.Run(t, "kill -STOP $(pidof sshd)") })})
	if err == nil || !strings.HasPrefix(err.Error(), "the connection to hv1 ended") || hint.Of(err, "") != "`ssh root@hv1` says whether it answers" {
		t.Errorf("got %v", err)
	}
}

// when does something when the word is written to it.
func when(word string, do func()) writer { return writer{word, do} }

type writer struct {
	word string
	do   func()
}

func (w writer) Write(p []byte) (int, error) {
	if strings.Contains(string(p), w.word) {
		w.do()
	}
	return len(p), nil
}
