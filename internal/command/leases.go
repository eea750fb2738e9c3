package command

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/user"
	"slices"
	"strings"
	"sync"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/lease"
	"coreos-libvirt/internal/terminal/hint"
)

// leases are those that a run has on hosts: what keeps clients on other machines off a cluster, as a lock of a file does here.
type leases struct {
	mu       sync.Mutex
	giveBack []func()
	stages   int        // of targets that have begun, and not ended
	lost     chan error // has a value if another client took over
}

// givingBack is how long libvirt may take to forget a lease.
const givingBack = 2 * time.Second

// take takes the lease of the cluster on each host that answers, one after the other: two clients that do so in the same order do not wait
// for each other.
func (l *leases) take(ctx context.Context, r *Run, prefix string) error {
	for _, host := range leasedHosts(r) {
		on, err := leaseEngine(r, host)
		if on == nil || err != nil {
			continue // what does not answer is not changed
		}
		o := lease.Options{Pace: lease.Usual, Wait: r.Wait, Say: sayOf(r, prefix), Lost: l.isLost}
		giveBack, err := lease.Take(ctx, on, leaseName(r, prefix), holder(r), o)
		if errors.Is(err, lease.ErrNone) {
			r.log.Say("%s: clients on other machines are not kept off it: %s", prefix, hint.FirstLine(err))
			continue
		}
		if err != nil {
			return err
		}
		l.mu.Lock()
		l.giveBack = append(l.giveBack, giveBack)
		l.mu.Unlock()
	}
	return nil
}

func (l *leases) isLost(err error) {
	select {
	case l.lost <- err:
	default: // who has several loses one first
	}
}

// end gives all leases back. A host that does not answer forgets them later, by itself.
func (l *leases) end() {
	l.mu.Lock()
	all := l.giveBack
	l.giveBack = nil
	l.mu.Unlock()
	if len(all) == 0 {
		return
	}
	done := make(chan struct{})
	go func() {
		for _, giveBack := range slices.Backward(all) {
			giveBack()
		}
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(givingBack):
	}
}

// Begin is the begin of a target of the run, or of a stage of it, and the function that it gives is its end: with the last one the run
// gives back what keeps clients on other machines off its clusters.
func Begin(r *Run) (end func()) {
	r.leases.mu.Lock()
	defer r.leases.mu.Unlock()
	r.leases.stages++
	return func() {
		r.leases.mu.Lock()
		r.leases.stages--
		last := r.leases.stages == 0
		r.leases.mu.Unlock()
		if last {
			GiveBack(r)
		}
	}
}

// GiveBack ends the leases of a run that ends.
func GiveBack(r *Run) { r.leases.end() }

// leasedHosts are the hosts on which the run needs leases: none if only this machine can change what is there.
func leasedHosts(r *Run) []string {
	switch several := engine.HostsOf(r.conn); {
	case r.conn == nil || r.looks:
		return nil
	case several != nil:
		return slices.Sorted(slices.Values(several.HostNames()))
	case where(r.Settings).IsRemote():
		return []string{""}
	}
	return nil
}

// leaseEngine keeps the notes of the host of that name; nil if it keeps none.
func leaseEngine(r *Run, host string) (engine.Leases, error) {
	on := r.conn
	if several := engine.HostsOf(r.conn); several != nil {
		one, err := several.OnHost(host)
		if err != nil {
			return nil, err
		}
		on = one
	}
	keeps, _ := engine.As[engine.Leases](on)
	return keeps, nil
}

// leaseName is what the note is called, in libvirt: another workspace may have a cluster of the same name.
func leaseName(r *Run, prefix string) string {
	id, _, _ := strings.Cut(r.ws().ID, "-")
	return "coreos-libvirt-" + prefix + "-" + id
}

func sayOf(r *Run, prefix string) func(string, ...any) {
	return func(format string, args ...any) { r.log.Say(prefix+": "+format, args...) }
}

// holder is this run, as others see it.
func holder(r *Run) lease.Holder {
	me, machine := "?", ""
	if u, err := user.Current(); err == nil {
		me = u.Username
	}
	if id, err := os.ReadFile("/etc/machine-id"); err == nil {
		machine = strings.TrimSpace(string(id))
	}
	host, _ := os.Hostname()
	return lease.Holder{User: me, Host: cmp.Or(host, "?"), PID: os.Getpid(), Workspace: r.Workspace, Machine: machine, Since: time.Now().Format(time.RFC3339)}
}

// untilLost is the context of a stage: it ends if another client takes over.
func untilLost(ctx context.Context, l *leases) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case err := <-l.lost:
			cancel(err)
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
