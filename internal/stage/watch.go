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
	happened, end := r.conn.Watch(step.Node.Name)
	defer end()
	console := guest.NewConsole(step.Node.Console())
	err := r.checkState(step, console) // of what has happened before
	for lines := time.NewTicker(watchEvery); err == nil; {
		select {
		case <-ctx.Done():
			return nil
		case <-happened:
			err = r.checkState(step, console)
		case <-lines.C:
			err = r.failure(ctx, step, console)
			moved(console.Phase())
		}
	}
	return err
}

// watchJournal gives an error when the guest says by its journal that Ignition has failed, and nil when ctx
// ends first. A domain without that channel never does.
func (r *Run) watchJournal(ctx context.Context, step cluster.Step) error {
	channel, err := r.conn.Channel(ctx, step.Node.Name, guest.JournalChannel)
	if err != nil {
		return nil //nolint:nilerr // of a definition before there was the channel, or edited
	}
	defer channel.Close()
	lines, err := guest.ReadJournal(channel)
	if err != nil || len(lines) == 0 {
		return nil //nolint:nilerr // the end of the wait, or of the guest, which others see
	}
	return r.bootFailed(step, "Ignition failed; the guest's journal says", lines)
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
	return nil
}

// checkState looks whether the domain still runs.
func (r *Run) checkState(step cluster.Step, console *guest.Console) error {
	state, err := r.conn.State(step.Node.Name)
	if err != nil || state != cluster.ShutOff && state != cluster.Crashed {
		return err
	}
	if _, err := console.Failure(); err != nil { // its last words
		return err
	}
	return r.bootFailed(step, fmt.Sprintf("the domain is %s; its console ends with", state), console.Last())
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
