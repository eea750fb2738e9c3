package session

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"time"

	"coreos-libvirt/internal/terminal/hint"
)

// letEnd is how long a target may take to end by itself when the user interrupts it.
const letEnd = time.Second

// ErrInterrupted is in the error of a run that the user interrupted.
var ErrInterrupted = errors.New("interrupted")

// EndedByInterrupt is the exit status of such a run, as a shell says it: 128 and the number of SIGINT.
const EndedByInterrupt = 128 + int(syscall.SIGINT)

// Interruptible does something. If the user interrupts it while this run holds a cluster's lock, it ends within two seconds,
// whatever it waits for: the process ends then, and the next run goes on from there. sayLeft says once what is left
// of the clusters that this run has locked.
func (l *Locks) Interruptible(ctx context.Context, do func(context.Context) error, sayLeft func(prefixes []string)) error {
	if ctx.Err() != nil {
		return l.interrupted(ctx.Err(), sayLeft)
	}
	done := make(chan error, 1)
	go func() { done <- do(ctx) }()
	select {
	case err := <-done:
		return l.asInterrupted(ctx, err, sayLeft)
	case <-ctx.Done():
	}
	patience := time.After(letEnd)
	if len(l.Held()) == 0 {
		patience = nil // it changes no cluster: it knows how to end
	}
	select {
	case err := <-done:
		return l.asInterrupted(ctx, err, sayLeft)
	case <-patience:
		return l.interrupted(ctx.Err(), sayLeft)
	}
}

// asInterrupted is the error err, or if the user interrupted the run, what that means.
func (l *Locks) asInterrupted(ctx context.Context, err error, sayLeft func([]string)) error {
	if ctx.Err() == nil || err == nil {
		return err
	}
	return l.interrupted(err, sayLeft)
}

// interrupted is the error of a run that the user interrupted. Errors that are only a consequence of that are left out.
func (l *Locks) interrupted(err error, sayLeft func([]string)) error {
	stop := ErrInterrupted
	if held := l.Held(); len(held) > 0 {
		stop = hint.Errorf("`mage up` goes on from here, `mage down` removes it", "%w", ErrInterrupted)
		l.told.Do(func() { sayLeft(held) })
	}
	return errors.Join(append(notOfTheEnd(err), stop)...)
}

// notOfTheEnd are the errors in err that have another cause than the end of a context.
func notOfTheEnd(err error) (others []error) {
	several, joined := err.(interface{ Unwrap() []error }) // only of this one: what wraps it has words of its own
	switch {
	case err == nil:
	case joined:
		for _, one := range several.Unwrap() {
			others = append(others, notOfTheEnd(one)...)
		}
	case errors.Is(err, context.Canceled), strings.Contains(err.Error(), context.Canceled.Error()), strings.Contains(err.Error(), "signal: "):
	default:
		others = append(others, err)
	}
	return others
}
