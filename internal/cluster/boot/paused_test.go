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
			"hint: correct what is wrong (`df vm/core01`), then `mage start node=core01` lets it go on")
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

// Shutdown does nothing: the guest is paused.
func (fakePaused) Shutdown(string) error { return nil }

// TestStopOfANodeThatCannotHear ends at once, and the node stays as it is: paused again because its disk is full.
func TestStopOfANodeThatCannotHear(t *testing.T) {
	b, steps := defined(t)
	name := steps[0].Node.Name
	if err := b.Engine.Start(name); err != nil {
		t.Fatal(err)
	}
	s := Stopping{Engine: fakePausedOf(b, "I/O error, vda: no space left where its file is"), Grace: time.Hour, Say: func(string, ...any) {}}
	wantSoon(t, func() error { return s.Stop(t.Context(), engine.Domain{Name: name, State: engine.Running}) },
		"it is paused, so it cannot shut down: I/O error, vda: no space left where its file is\n"+
			"hint: correct what is wrong, then `mage start node="+name+"` lets it go on, and it can be stopped; `virsh destroy "+name+"` powers it off")
	if state, err := b.Engine.State(name); err != nil || state != engine.Running {
		t.Errorf("it is %s, %v", state, err)
	}
}
