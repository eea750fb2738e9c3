package stage

import (
	"context"
	"fmt"
	"strings"
	"time"

	"coreos-libvirt/internal/cluster"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/hint"
)

const (
	watchEvery = 500 * time.Millisecond
	// afterFatal lets the lines that follow a fatal one arrive, so that they can be shown.
	afterFatal = 2 * time.Second
	// letSpeak is how long a node that ran before gets to say that it is ready all the same.
	letSpeak = 5 * time.Second
)

// watchFailure gives an error when the node's console or its domain's state shows that it will never
// be ready, and nil when ctx ends first.
func (r *Run) watchFailure(ctx context.Context, step cluster.Step, moved func(phase string)) error {
	if step.Running && !sleep(ctx, letSpeak) {
		return nil
	}
	console := guest.NewConsole(step.Node.Console())
	for sleep(ctx, watchEvery) {
		moved(console.Phase())
		if err := r.failure(ctx, step, console); err != nil {
			return err
		}
	}
	return nil
}

func (r *Run) failure(ctx context.Context, step cluster.Step, console *guest.Console) error {
	told, err := console.Failure()
	if err != nil {
		return err
	}
	if told != nil {
		sleep(ctx, afterFatal)
		if told, err = console.Failure(); err != nil {
			return err
		}
		return r.bootFailed(step, "the boot failed; its console says", told)
	}
	return r.checkState(step, console)
}

func (r *Run) checkState(step cluster.Step, console *guest.Console) error {
	conn, err := r.libvirt()
	if err != nil {
		return err
	}
	state, err := conn.State(step.Node.Name)
	if err != nil {
		return err
	}
	if state == cluster.ShutOff || state == cluster.Crashed {
		return r.bootFailed(step, fmt.Sprintf("the domain is %s; its console ends with", state), console.Last())
	}
	return nil
}

func (r *Run) bootFailed(step cluster.Step, what string, lines []string) error {
	return hint.Errorf(r.relative(step.Node.Console())+" has all of it; a new try needs the node made anew: `mage down`, `mage up`",
		"%s:\n    %s", what, strings.Join(lines, "\n    "))
}

// sleep waits, and tells whether ctx lives on.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
