// Package lease keeps other clients off what one of them changes, by notes in the engines themselves: a lock of files is of one machine
// only. A client that was ended without giving its lease back loses it when it has not renewed it for a while.
package lease

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/printable"
)

// Pace is how leases are renewed. All clients must have the same.
type Pace struct {
	Renew  time.Duration // how often
	Expiry time.Duration // after which one counts as left that was not renewed: as who waits sees it, by its own clock
}

// Usual is the pace of all clients.
var Usual = Pace{Renew: 5 * time.Second, Expiry: 30 * time.Second}

// Holder is a client, as the others see it.
type Holder struct {
	User      string `json:"user"`
	Host      string `json:"host"`
	PID       int    `json:"pid"`
	Workspace string `json:"workspace"`
	Machine   string `json:"machine"` // its id (machine-id(5)), by which a client knows a lease of its own machine
	Since     string `json:"since"`   // RFC 3339
	Renewed   int    `json:"renewed"` // how often
}

// String names the client for the people who wait for it.
func (h Holder) String() string {
	return printable.Line(fmt.Sprintf("%s@%s (process %d, in %s, since %s)", h.User, h.Host, h.PID, h.Workspace, h.Since))
}

// ErrNone is an engine that keeps no leases.
var ErrNone = errors.New("libvirt keeps no lease of the cluster")

// Options are how a lease is taken.
type Options struct {
	Pace
	Wait bool                             // whether another client is waited for
	Say  func(format string, args ...any) // tells the user who is waited for
	Lost func(error)                      // is called if another client has the lease in spite of this one
}

// Take takes the lease of that name, and renews it until it is given back. The caller has a lock that only one process of its
// machine and workspace can have: a lease of the same two is one that was left.
func Take(ctx context.Context, on engine.Leases, name string, me Holder, o Options) (giveBack func(), err error) {
	t := &taking{on: on, name: name, me: me, o: o, id: uuid.NewString()}
	if err := t.wait(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var renewing sync.WaitGroup
	renewing.Go(func() { t.renew(ctx) })
	return sync.OnceFunc(func() {
		cancel()
		renewing.Wait()
		_ = on.DropLease(t.id) // who waits sees that it is not renewed any more
	}), nil
}

// taking is a lease that is being taken.
type taking struct {
	on   engine.Leases
	name string
	id   string
	me   Holder
	o    Options

	seen engine.Lease // another client's, as it was seen last
	at   time.Time    // when it was another one before
	told bool
}

// put writes the lease.
func (t *taking) put() error {
	text, err := json.Marshal(t.me)
	if err != nil {
		return err
	}
	return t.on.PutLease(t.name, engine.Lease{ID: t.id, Text: string(text)})
}

// wait returns when the lease is this client's.
func (t *taking) wait(ctx context.Context) error {
	for {
		err := t.put()
		if err == nil {
			return nil
		}
		if !errors.Is(err, engine.ErrLeased) {
			return fmt.Errorf("%w: %w", ErrNone, err)
		}
		other, there, err := t.on.LeaseOf(t.name)
		if err != nil {
			return err
		}
		if !there {
			continue
		}
		if again, err := t.look(other); err != nil || again {
			if err != nil {
				return err
			}
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(t.o.Renew / 10):
		}
	}
}

// look decides what becomes of another client's lease: one that was left is removed, and again tells that this client's can be written.
func (t *taking) look(other engine.Lease) (again bool, err error) {
	var holder Holder
	if json.Unmarshal([]byte(other.Text), &holder) != nil || holder.Workspace == "" {
		return false, hint.Errorf("`virsh net-undefine "+t.name+"` removes it, if it is of no use", "the network %s is somebody else's, and has the name of the lease of this cluster", t.name)
	}
	if other != t.seen {
		t.seen, t.at = other, time.Now()
	}
	mine := holder.Machine != "" && holder.Machine == t.me.Machine && holder.Workspace == t.me.Workspace
	if mine || time.Since(t.at) > t.o.Expiry {
		return true, t.on.DropLease(other.ID)
	}
	if !t.o.Wait {
		return false, hint.Errorf("add wait=true to the command: it then starts when the other run has ended", "%s is changing this cluster", holder)
	}
	if !t.told {
		t.told = true
		t.o.Say("waiting for %s, who is changing this cluster", holder)
	}
	return false, nil
}

// renew writes the lease again and again. An engine that does not answer for a while does no harm.
func (t *taking) renew(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(t.o.Renew):
		}
		t.me.Renewed++
		if err := t.put(); errors.Is(err, engine.ErrLeased) && ctx.Err() == nil {
			t.o.Lost(hint.Errorf("run the command again", "another client took over the cluster, because this one was not heard of for %s; nothing more is changed", t.o.Expiry))
			return
		}
	}
}
