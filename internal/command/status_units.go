package command

import (
	"context"
	"sync"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/workspace/wait"
)

const (
	// unitsGlances is how many glances a node that is ready may take to report how its units are, and then, if it does not, to log in a user.
	unitsGlances = 3
	// unitsLater is how long it may take when nobody waits for it.
	unitsLater = time.Minute
	// unitsAgain is how often it is asked again: that may be a login there, and lines in its journal.
	unitsAgain = 10 * time.Second
)

// unitsLook is what a run of `mage status` has seen of nodes' units.
type unitsLook struct {
	mu   sync.Mutex
	last map[string]seenUnits // by node and boot
}

type seenUnits struct {
	nodeUnits
	at     time.Time
	asking bool
}

// into says of the nodes that are ready how their units are. One that was seen before in this run is not waited for again.
func (l *unitsLook) into(ctx context.Context, r *Run, all []nodeStatus, members []engine.Domain) {
	if r.Units == settings.UnitsOff {
		return
	}
	_ = wait.AtOnce(len(all), func(i int) error {
		if all[i].Ready {
			seen := l.of(ctx, r, members[i], all[i])
			all[i].Units = seen.brief()
			for _, u := range seen.Failed() {
				all[i].FailedUnits = append(all[i].FailedUnits, u.Name)
			}
		}
		return nil
	})
}

// of are the units of one node, as they were a moment ago.
func (l *unitsLook) of(ctx context.Context, r *Run, node engine.Domain, s nodeStatus) nodeUnits {
	key := s.Node + " " + s.boot
	l.mu.Lock()
	seen, known := l.last[key]
	again := !seen.asking && time.Since(seen.at) >= unitsAgain
	if again {
		seen.asking = true
		l.keep(key, seen)
	}
	l.mu.Unlock()
	glance := unitsGlances * r.glance
	ask := func(patience time.Duration) nodeUnits {
		now := seenUnits{nodeUnits: unitsIn(ctx, r, patience, node, s.Address)}
		if now.err == nil || patience > glance {
			now.at = time.Now()
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.keep(key, now)
		return now.nodeUnits
	}
	switch {
	case !known:
		return ask(glance)
	case again:
		go ask(unitsLater)
	}
	return seen.nodeUnits
}

// unitsIn are the units as the node reports it, else as it says when it is logged in to.
func unitsIn(ctx context.Context, r *Run, patience time.Duration, node engine.Domain, address string) nodeUnits {
	own := r.ws().NodeOf(node.Metadata)
	if said, known := reportedUnits(ctx, r, own, patience); known {
		return said
	}
	return askUnitsFor(ctx, patience, r.access(node.Metadata.Cluster), r.User, own, address, 0)
}

// keep wants mu.
func (l *unitsLook) keep(key string, seen seenUnits) {
	if l.last == nil {
		l.last = map[string]seenUnits{}
	}
	l.last[key] = seen
}
