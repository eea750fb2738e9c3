package etcd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"coreos-libvirt/internal/etcd/wire"
	"coreos-libvirt/internal/program/helper"
	"coreos-libvirt/internal/program/line"
)

// eachPatience is how long one member is waited for while the cluster is watched.
const eachPatience = 3 * time.Second

// errWhole ends a watch: the cluster is as it must be.
var errWhole = errors.New("the cluster is whole")

// Status asks the members at the endpoints, each for at most patience.
func (h Helper) Status(ctx context.Context, endpoints []string, patience time.Duration) (last Status, err error) {
	err = h.watch(ctx, wire.Look, endpoints, patience, func(s Status) error { last = s; return nil })
	return last, err
}

// WaitHealthy asks until all members that have a vote are healthy, but those of the excused ids, or n if no
// cluster answers; or until ctx ends. changed gets every new state. The last state is returned in any case,
// with an error if it is not enough.
func (h Helper) WaitHealthy(ctx context.Context, endpoints []string, n int, changed func(Status), excused ...string) (last Status, err error) {
	err = h.watch(ctx, wire.Watch, endpoints, eachPatience, func(s Status) error {
		last = s
		changed(s)
		if s.Whole(n, excused...) == nil {
			return errWhole
		}
		return cmp.Or(s.Refused(), s.checkWrites()) // which no patience changes
	})
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return last, ctx.Err()
	case last.Refused() != nil, last.IsReadOnly(), ctx.Err() != nil:
		return last, last.Whole(n, excused...)
	case errors.Is(err, errWhole):
		return last, nil
	}
	return last, err
}

// watch gives each state that the helper tells to each.
func (h Helper) watch(ctx context.Context, verb string, endpoints []string, patience time.Duration, each func(Status) error) error {
	err := h.ask(ctx, verb, endpoints, wire.Patience{Milliseconds: max(h.Patience, patience).Milliseconds()}, func(text json.RawMessage) error {
		var told wire.Status
		if err := line.Decode(text, &told); err != nil {
			return err
		}
		return each(Status{told.Members, told.Peers}.printable())
	})
	if err != nil && !errors.Is(err, errWhole) && !errors.Is(err, helper.ErrEnded) {
		return fmt.Errorf("the etcd helper failed: %w", err)
	}
	return err
}
