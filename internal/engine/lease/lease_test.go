//go:build cgo && libvirt_dlopen

package lease

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt"
)

// quick is a pace for tests, in which nothing depends on a client being in time but where that is said.
var quick = Pace{Renew: 20 * time.Millisecond, Expiry: 2 * time.Second}

// client is one of those that change a cluster.
func client(machine string) Holder {
	return Holder{User: "root", Host: machine, PID: 7, Workspace: "/w", Machine: machine, Since: "2026-01-02T03:04:05Z"}
}

func opened(t *testing.T) *libvirt.Conn {
	t.Helper()
	on, err := libvirt.Open("test:///default", func(error) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(on.Close)
	return on
}

// heard is what a client was told.
type heard struct {
	mu   sync.Mutex
	said []string
	lost error
}

func (h *heard) options(pace Pace, wait bool) Options {
	return Options{
		Pace: pace, Wait: wait,
		Say:  func(format string, _ ...any) { h.mu.Lock(); defer h.mu.Unlock(); h.said = append(h.said, format) },
		Lost: func(err error) { h.mu.Lock(); defer h.mu.Unlock(); h.lost = err },
	}
}

// TestASecondClientWaits for the first, says so once, goes on when that has ended, and leaves nothing.
func TestASecondClientWaits(t *testing.T) {
	on, h := opened(t), &heard{}
	giveBack, err := Take(t.Context(), on, "lease-a", client("one"), h.options(quick, true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Take(t.Context(), on, "lease-a", client("two"), h.options(quick, false)); err == nil ||
		!strings.HasPrefix(err.Error(), "root@one (process 7, in /w, since 2026-01-02T03:04:05Z) is changing this cluster\nhint: add wait=true") {
		t.Errorf("without waiting: got %v", err)
	}
	type result struct {
		giveBack func()
		err      error
	}
	second, waits := make(chan result), &heard{}
	go func() {
		giveBack, err := Take(t.Context(), on, "lease-a", client("two"), waits.options(quick, true))
		second <- result{giveBack, err}
	}()
	select {
	case <-second:
		t.Fatal("both have it")
	case <-time.After(2 * quick.Expiry): // for longer than one is believed that is not renewed
	}
	giveBack()
	got := <-second
	if got.err != nil || len(waits.said) != 1 || h.lost != nil {
		t.Fatalf("got %v, %q, %v", got.err, waits.said, h.lost)
	}
	got.giveBack()
	got.giveBack()
	if _, there, err := on.LeaseOf("lease-a"); there || err != nil {
		t.Errorf("it is left: %v", err)
	}
}

// TestALeaseThatWasLeft: of another machine it ends with its time, of this one and workspace at once.
func TestALeaseThatWasLeft(t *testing.T) {
	on, h := opened(t), &heard{}
	leave := func(machine string) {
		dead := &taking{on: on, name: "lease-b", id: "0c2b4e0e-5a0f-4b36-8e36-0a9f7f1d0009", me: client(machine)}
		if err := dead.put(); err != nil {
			t.Fatal(err)
		}
	}
	for machine, waited := range map[string]bool{"two": false, "one": true} {
		leave(machine)
		began := time.Now()
		giveBack, err := Take(t.Context(), on, "lease-b", client("two"), h.options(Pace{quick.Renew, 5 * time.Second}, true))
		if took := time.Since(began); err != nil || waited != (took > 5*time.Second) {
			t.Fatalf("left by %s: after %s, %v", machine, took, err)
		}
		giveBack()
	}
	leave("one")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Take(ctx, on, "lease-b", client("two"), h.options(Usual, true)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if err := on.DropLease("0c2b4e0e-5a0f-4b36-8e36-0a9f7f1d0009"); err != nil {
		t.Fatal(err)
	}
}

// TestALostLease: a client that was away for too long hears that another one has it.
func TestALostLease(t *testing.T) {
	on, lost := opened(t), make(chan error, 1)
	o := (&heard{}).options(quick, true)
	o.Lost = func(err error) { lost <- err }
	giveBack, err := Take(t.Context(), on, "lease-c", client("one"), o)
	if err != nil {
		t.Fatal(err)
	}
	defer giveBack()
	other := engine.Lease{ID: "0c2b4e0e-5a0f-4b36-8e36-0a9f7f1d0008", Text: "x"}
	for err = engine.ErrLeased; errors.Is(err, engine.ErrLeased); { // against the renewals
		mine, _, _ := on.LeaseOf("lease-c")
		_ = on.DropLease(mine.ID)
		err = on.PutLease("lease-c", other)
	}
	if err := <-lost; !strings.HasPrefix(err.Error(), "another client took over the cluster") {
		t.Errorf("got %v", err)
	}
	if err := on.DropLease(other.ID); err != nil {
		t.Fatal(err)
	}
}

// TestSomebodyElsesNetwork is left alone.
func TestSomebodyElsesNetwork(t *testing.T) {
	if _, err := Take(t.Context(), opened(t), "default", client("one"), (&heard{}).options(quick, true)); err == nil || !strings.Contains(err.Error(), "the network default is somebody else's") {
		t.Errorf("got %v", err)
	}
}
