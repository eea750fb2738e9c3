package bridge

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"coreos-libvirt/internal/host/step"
	"coreos-libvirt/internal/terminal/hint"
)

// poll is how often the network is looked at; margin is the part of the time to roll back that is waited.
const (
	poll   = 100 * time.Millisecond
	margin = 0.75
)

// guard is a process of its own that runs a script after a time, unless it is disarmed before. It outlives
// this process, and the terminal.
type guard struct{ mark string }

// arm starts the guard.
func arm(script string, after time.Duration) (guard, error) {
	file, err := os.CreateTemp("/run", "coreos-libvirt-rollback.*")
	if err != nil {
		return guard{}, err
	}
	g := guard{file.Name()}
	_ = file.Close()
	// who removes the mark acts: the guard, or whoever disarms it
	cmd := exec.Command("sh", "-c", `trap '' HUP INT; sleep "$1"; rm "$2" || exit 0; `+oneAtATime, script, fmt.Sprintf("%.1f", after.Seconds()), g.mark)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		_ = os.Remove(g.mark)
		return guard{}, err
	}
	go func() { _ = cmd.Wait() }()
	return g, nil
}

// disarm reports whether it came before the guard acted.
func (g guard) disarm() bool { return os.Remove(g.mark) == nil }

// guarded makes a change of the network that there says to be good, or takes it back by the script: at once
// where that is seen, and after the time to roll back also where this process is killed.
func guarded(ctx context.Context, m step.Machine, back string, change, there func() error) error {
	g, err := arm(back, m.Rollback)
	if err != nil {
		return fmt.Errorf("nothing would take the change back: %w", err)
	}
	if err = change(); err == nil {
		err = await(ctx, time.Duration(float64(m.Rollback)*margin), there)
	}
	armed := g.disarm()
	if err == nil && !armed {
		err = errors.New("it took too long")
	}
	if err == nil {
		return nil
	}
	if armed {
		_ = apart(back, false) // what of it fails, was not changed yet
	}
	return hint.Errorf("rollback= allows more time, for a slow DHCP server", "%w; it was taken back", err)
}

func await(ctx context.Context, patience time.Duration, there func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := there()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("after %s: %w", patience, err)
		case <-time.After(poll):
		}
	}
}
