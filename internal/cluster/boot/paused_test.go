//go:build cgo && libvirt_dlopen

package boot

import (
	"context"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt"
)

// fakePaused is an engine whose guests were paused as soon as they ran. libvirt's driver for tests has no reason for that.
type fakePaused struct {
	speechless
	reason string
}

func (fakePaused) State(string) (engine.State, error) { return engine.Paused, nil }
func (f fakePaused) Reason(string) (string, error)    { return f.reason, nil }
func fakePausedOf(b Booter, reason string) engine.Engine {
	return fakePaused{speechless{b.Engine.(*libvirt.Conn)}, reason}
}

// TestANodeThatNobodyPausedIsNotWaitedFor: not until timeout=, which has nothing to do with it.
func TestANodeThatNobodyPausedIsNotWaitedFor(t *testing.T) {
	b, steps := defined(t)
	b.Ready, b.Engine = true, fakePausedOf(b, "I/O error, vda: no space left where its file is")
	b.Nodes.Engine = func() (engine.Engine, error) { return b.Engine, nil }
	wantSoon(t, func() error { _, err := b.All(t.Context(), steps[:1]); return err },
		"core01: the domain is paused: I/O error, vda: no space left where its file is\n"+
			"hint: put right what is wrong (`df vm/core01`), then `mage start node=core01` lets it go on")
	if got := said(b); strings.Contains(got, "timeout") {
		t.Errorf("said %s", got)
	}
}

// TestANodeThatAUserPausedIsWaitedFor: the user may let it go on.
func TestANodeThatAUserPausedIsWaitedFor(t *testing.T) {
	b, steps := defined(t)
	b.Engine = fakePausedOf(b, "")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := b.watchFailure(ctx, steps[0].Node, ofThisRun, func(string) {}); err != nil || ctx.Err() == nil {
		t.Errorf("got %v", err)
	}
}
