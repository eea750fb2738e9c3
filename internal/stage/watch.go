package stage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"coreos-libvirt/internal/cluster"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/hint"
	"coreos-libvirt/internal/hypervisor"
)

const (
	// watchEvery is how often a console is looked at where the system does not tell of writes to it.
	watchEvery = time.Second
	// afterFatal lets the lines that follow a fatal one arrive, so that they can be shown.
	afterFatal = time.Second
	// letSpeak is how long a node that ran before gets to say that it is ready all the same.
	letSpeak = 3 * time.Second
	// tooOften is how many reboots a node is not forgiven on its way to be ready. Ignition may want one, to change the
	// kernel's arguments, and an update another.
	tooOften = 3
)

// watchFailure gives an error when the node's console or its domain's state shows that it will never
// be ready, and nil when ctx ends first.
func (r *Run) watchFailure(ctx context.Context, step cluster.Step, console *guest.Console, moved func(phase string)) error {
	happened, end := r.conn.Watch(step.Node.Name)
	defer end()
	before := r.conn.Reboots(step.Node.Name)
	written, enough := r.writes.To(step.Node.Console())
	defer enough()
	if step.Running && !sleep(ctx, letSpeak) {
		return nil
	}
	var err error
	if step.Running {
		err = console.Settle()
	}
	if err == nil {
		err = r.checkState(step, console, before) // of what has happened before
	}
	if err == nil {
		err = r.failure(ctx, step, console)
	}
	for lines := time.NewTicker(watchEvery); err == nil; {
		select {
		case <-ctx.Done():
			return nil
		case <-happened:
			err = r.checkState(step, console, before)
		case <-written:
			err = r.failure(ctx, step, console)
		case <-lines.C:
			err = r.failure(ctx, step, console)
		}
		for _, phase := range console.Passed() {
			moved(phase)
		}
	}
	return err
}

// watchJournal gives an error when the guest says by its journal that Ignition has failed, and nil when ctx
// ends first. A domain without that channel never does.
func (r *Run) watchJournal(ctx context.Context, step cluster.Step) error {
	for ctx.Err() == nil {
		channel, err := r.conn.Channel(ctx, step.Node.Name, guest.JournalChannel)
		if err != nil {
			return nil //nolint:nilerr // of a definition before there was the channel, or edited
		}
		lines, err := guest.ReadJournal(channel)
		channel.Close()
		switch {
		case errors.Is(err, hypervisor.ErrRestarted): // what it said meanwhile it has yet to say
		case err != nil || len(lines) == 0:
			return nil //nolint:nilerr // the end of the wait, or of the guest, which others see
		default:
			return r.bootFailed(step, "Ignition failed; the guest's journal says", lines)
		}
	}
	return nil
}

// guarded does something that waits for the nodes, and ends it with the error of the first that breaks down meanwhile.
func (r *Run) guarded(ctx context.Context, nodes []booted, do func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	for _, n := range nodes {
		step := n.step
		step.Running = false // it has spoken
		watching.Go(func() {
			if err := r.watchFailure(ctx, step, guest.NewConsoleEnd(step.Node.Console()), func(string) {}); err != nil {
				cancel(fmt.Errorf("%s: %w", step.Node.Name, err))
			}
		})
	}
	err := do(ctx)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	cancel(nil)
	watching.Wait()
	return err
}

func (r *Run) failure(ctx context.Context, step cluster.Step, console *guest.Console) error {
	told, err := console.Failure()
	if err != nil {
		return err
	}
	if told != nil {
		sleep(ctx, afterFatal)
		more, err := console.Failure()
		if err != nil {
			return err
		}
		if more != nil { // else it has begun anew meanwhile
			told = more
		}
		return r.bootFailed(step, "the boot failed; its console says", told)
	}
	return nil
}

// checkState looks whether the domain still runs, and how often it has begun anew since it had so many reboots.
func (r *Run) checkState(step cluster.Step, console *guest.Console, before int) error {
	state, err := r.conn.State(step.Node.Name)
	reboots := r.conn.Reboots(step.Node.Name) - before
	ended := state == cluster.ShutOff || state == cluster.Crashed
	if err != nil || !ended && reboots < tooOften {
		return err
	}
	if _, err := console.Failure(); err != nil { // its last words
		return err
	}
	if len(console.Last()) == 0 { // nothing new
		console = guest.NewConsole(step.Node.Console())
		if _, err := console.Failure(); err != nil {
			return err
		}
	}
	if !ended {
		return r.bootFailed(step, fmt.Sprintf("it reboots again and again, %d times so far; its console ends with", reboots), console.Last())
	}
	return r.bootFailed(step, fmt.Sprintf("the domain is %s; its console ends with", state), console.Last())
}

func (r *Run) bootFailed(step cluster.Step, what string, lines []string) error {
	if len(lines) == 0 {
		lines = []string{"(nothing)"}
	}
	return hint.Errorf(fmt.Sprintf("%s has all of it; `mage up recreate=%s` makes the node anew", r.relative(step.Node.Console()), step.Node.Name),
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
