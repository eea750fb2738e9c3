//go:build cgo && libvirt_dlopen

package command

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/cluster/boot"
)

// watched are the nodes of a run of `up`, and a wait for them that only ctx ends.
func watched(t *testing.T) (r *Run, nodes []boot.Node, forEver func(context.Context) error) {
	inClone(t)
	r = run(t)
	defined(t, r)
	if err := r.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, step := range r.steps {
		nodes = append(nodes, boot.Node{Step: step})
	}
	return r, nodes, func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
}

// wantSoon is what a wait must end with, long before its own end.
func wantSoon(t *testing.T, wait func() error, want string) {
	t.Helper()
	begin := time.Now()
	if err := wait(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("want %q, got %v", want, err)
	}
	if took := time.Since(begin); took > time.Minute {
		t.Errorf("took %s", took)
	}
}

// TestAReadyNodeIsWatched: etcd is not waited for where a node breaks down meanwhile.
func TestAReadyNodeIsWatched(t *testing.T) {
	r, nodes, forEver := watched(t)
	console := nodes[1].Step.Node.Console()
	if err := os.WriteFile(console, []byte("Kernel panic - not syncing: of an earlier time\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ended := time.AfterFunc(1500*time.Millisecond, func() {
		_ = os.WriteFile(console, []byte("Kernel panic - not syncing: of an earlier time\n[ 99.0] Kernel panic - not syncing: now\n"), 0o600)
	})
	defer ended.Stop()
	wantSoon(t, func() error { return r.guarded(t.Context(), nodes, forEver) },
		"core02: the boot failed; its console says:\n    [ 99.0] Kernel panic - not syncing: now\nhint: vm/core02/console.log has all of it; `mage up recreate=core02` makes the node anew; vm/core02/screen.png shows its screen")
	time.AfterFunc(1500*time.Millisecond, func() { _ = r.conn.Destroy("core01") })
	wantSoon(t, func() error { return r.guarded(t.Context(), nodes, forEver) }, "core01: the domain is shut off; its console ends with:\n    (nothing)")
	if err := r.guarded(t.Context(), nodes[1:], func(context.Context) error { return nil }); err != nil {
		t.Errorf("got %v", err)
	}
}
