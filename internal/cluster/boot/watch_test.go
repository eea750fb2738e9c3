//go:build cgo && libvirt_dlopen

package boot

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// watched are two nodes that run, and a wait for them that only ctx ends.
func watched(t *testing.T) (b Booter, nodes []Node, forEver func(context.Context) error) {
	t.Helper()
	b, steps := defined(t)
	nodes, err := b.All(t.Context(), steps)
	if err != nil {
		t.Fatal(err)
	}
	return b, nodes, func(ctx context.Context) error {
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

// TestAReadyNodeIsWatched: etcd is not waited for if a node breaks down meanwhile.
func TestAReadyNodeIsWatched(t *testing.T) {
	b, nodes, forEver := watched(t)
	console := nodes[1].Step.Node.Console()
	if err := os.WriteFile(console, []byte("Kernel panic - not syncing: of an earlier time\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ended := time.AfterFunc(1500*time.Millisecond, func() {
		file, err := os.OpenFile(console, os.O_APPEND|os.O_WRONLY, 0) // as virtlogd: a log that is emptied begins anew
		if err == nil {
			_, err = file.WriteString("[ 99.0] Kernel panic - not syncing: now\n")
			err = errors.Join(err, file.Close())
		}
		if err != nil {
			t.Error(err)
		}
	})
	defer ended.Stop()
	wantSoon(t, func() error { return b.Guarded(t.Context(), nodes, forEver) },
		"core02: the boot failed; its console says:\n    [ 99.0] Kernel panic - not syncing: now\nhint: vm/core02/console.log has all of it; `mage up recreate=core02` recreates the node; vm/core02/screen.png shows its screen")
	time.AfterFunc(1500*time.Millisecond, func() { _ = b.Engine.Destroy("core01") })
	wantSoon(t, func() error { return b.Guarded(t.Context(), nodes, forEver) }, "core01: the domain is shut off; its console ends with:\n    (nothing)")
	if err := b.Guarded(t.Context(), nodes[1:], func(context.Context) error { return nil }); err != nil {
		t.Errorf("got %v", err)
	}
}

// TestWhatCountsOfAConsole is said by who started the node, and whether it was ready.
func TestWhatCountsOfAConsole(t *testing.T) {
	b, nodes, _ := watched(t)
	node := nodes[0].Step.Node
	reboots := strings.Repeat("SeaBIOS (version 1.16)\n[    0.000000] Linux version 6.12.5\n[    9.0] reboot: Restarting system\n", 5)
	for _, c := range []struct {
		counts        counted
		console, want string
		least, most   time.Duration // of the watch
	}{
		{ofThisRun, reboots, "the boot failed; its console says:\n    Linux has started 5 times", 0, time.Minute},
		{ofEarlierRun, reboots, "", 0, reportFirst + time.Second},
		{ofEarlierRun, reboots + "[ 10.0] Kernel panic - not syncing: it\n", "Kernel panic", reportFirst, time.Minute},
		{fromNowOn, reboots + "[ 10.0] Kernel panic - not syncing: it\n", "", 0, time.Second},
	} {
		save(t, node.Console(), c.console)
		ctx, cancel := context.WithTimeout(t.Context(), c.most)
		begin := time.Now()
		err := b.watchFailure(ctx, node, c.counts, func(string) {})
		cancel()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) || time.Since(begin) < c.least {
			t.Errorf("%d: want %q, got %v after %s", c.counts, c.want, err, time.Since(begin))
		}
	}
}
