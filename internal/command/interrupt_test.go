//go:build cgo && libvirt_dlopen

package command

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// mustDefine takes a run as far as its domains' definition.
func mustDefine(t *testing.T, r *Run) {
	t.Helper()
	t.Cleanup(r.unlockAll)
	through(t, r.Fetch, r.Transpile, r.Discovery, r.Render, r.Define)
}

// ended is a context that the user has ended.
func ended(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func wantInterrupted(t *testing.T, r *Run, err error, lines ...string) {
	t.Helper()
	if err == nil || !strings.HasSuffix(err.Error(), "interrupted\nhint: `mage up` goes on from here, `mage down` removes it") {
		t.Errorf("got %v", err)
	}
	for _, want := range lines {
		if strings.Count(r.said(), want+"\n") != 1 {
			t.Errorf("no %q in\n%s", want, r.said())
		}
	}
}

func TestInterruptedBeforeAnythingIsDefined(t *testing.T) {
	inClone(t)
	r := run(t)
	t.Cleanup(r.unlockAll)
	through(t, r.Fetch, r.Transpile, r.Discovery, r.Render)
	if err := r.Define(ended(t)); err == nil || !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("keep_going goes on from an interruption: %v", err)
	}
	err := Interruptible(ended(t), r, r.Define)
	wantInterrupted(t, r, err, "core01: no domain, its files are left", "core02: no domain, its files are left")
}

func TestInterruptedBeforeAnythingIsStarted(t *testing.T) {
	inClone(t)
	r := run(t)
	mustDefine(t, r)
	if err := r.Up(ended(t)); !errors.Is(err, context.Canceled) || strings.Contains(r.said(), "booting") || strings.Contains(r.said(), "taken back") {
		t.Errorf("got %v\n%s", err, r.said())
	}
	err := Interruptible(ended(t), r, r.Up)
	wantInterrupted(t, r, err, "core01: left defined, shut off", "core02: left defined, shut off")
	r.unlockAll()
	mustUp(t)
	down := run(t)
	if err := down.Down(ended(t)); err == nil || strings.Contains(down.said(), "domain removed") {
		t.Errorf("got %v\n%s", err, down.said())
	}
	down.unlockAll()
	plans(t, 0, "core01 unchanged defined, unchanged\ncore02 unchanged defined, unchanged")
}

// TestInterruptedWhateverItWaitsFor has a stage that does not end by itself, and one with an error of its own.
func TestInterruptedWhateverItWaitsFor(t *testing.T) {
	inClone(t)
	r := run(t)
	mustDefine(t, r)
	if err := r.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	begin := time.Now()
	err := Interruptible(ctx, r, func(context.Context) error { select {} })
	if took := time.Since(begin); took > 20*time.Second { // the stage would never end; TestTiny has the two seconds
		t.Errorf("took %s", took)
	}
	wantInterrupted(t, r, err, "core01: left running, it has not said that it is ready", "core02: left running, it has not said that it is ready")

	ctx, cancel = context.WithCancel(t.Context())
	err = Interruptible(ctx, r, func(context.Context) error {
		cancel()
		return errors.Join(errors.New("core03: its disk is full"), errors.Join(ctx.Err(), errors.New("helper: signal: killed")))
	})
	if err == nil || !strings.HasPrefix(err.Error(), "core03: its disk is full\ninterrupted\nhint: ") {
		t.Errorf("got %v", err)
	}
	if err := Interruptible(t.Context(), r, func(context.Context) error { return nil }); err != nil {
		t.Errorf("got %v", err)
	}
}
