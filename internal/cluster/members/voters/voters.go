// Package voters is members of an etcd that are healthy, by which its members are changed.
package voters

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/workspace/wait"
)

const (
	// promotePoll is how often a learner is looked at until it has started, and has caught up.
	promotePoll = 500 * time.Millisecond
	// startWithin is how long the etcd of a ready node may take to start, if the node was made to join. One that was started before
	// its member was added ends, and is started again by its unit.
	startWithin = time.Minute
	// takeOutWithin is how long etcd may take to remove a learner again.
	takeOutWithin = 30 * time.Second
	// healthyWithin is how long members may take to be healthy again before others come or go.
	healthyWithin = 30 * time.Second
)

// Voters are healthy members of a cluster, by which its members are changed.
type Voters struct {
	Client    etcd.Helper
	Endpoints []string
	Say       func(format string, args ...any)
	Within    time.Duration // how long a learner may take to start; 0 is a minute
}

// Peers are the members that the cluster knows.
func (v Voters) Peers(ctx context.Context) (etcd.Peers, error) {
	return v.Client.Peers(ctx, v.Endpoints)
}

// WaitHealthy waits a little until all members are healthy, except the excused ids. If they are not, the error says which.
func (v Voters) WaitHealthy(ctx context.Context, excused ...string) (etcd.Status, error) {
	waiting, cancel := context.WithTimeout(ctx, max(v.Client.Patience, healthyWithin))
	defer cancel()
	status, err := v.Client.WaitHealthy(waiting, v.Endpoints, 1, func(etcd.Status) {}, excused...)
	if ctx.Err() != nil {
		return status, context.Cause(ctx)
	}
	if err == nil && !status.Answers() {
		err = errors.New("no member says who the others are")
	}
	if err != nil {
		return status, fmt.Errorf("while etcd is not healthy no member is added, replaced or taken out: %w", err)
	}
	return status, nil
}

// Starts reports whether the learner at the address starts soon.
func (v Voters) Starts(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(v.Within, max(v.Client.Patience, startWithin)))
	defer cancel()
	for {
		peers, err := v.Peers(ctx)
		if peer, _ := peers.At(address); err == nil && peer.Name != "" {
			return true
		}
		if !wait.Sleep(ctx, promotePoll) {
			return false
		}
	}
}

// Promote gives the learner at the address its vote, as soon as it has caught up. refused is why it did not get it before
// ctx ended.
func (v Voters) Promote(ctx context.Context, address string) (refused, err error) {
	for {
		peers, err := v.Peers(ctx)
		if err != nil {
			return nil, err
		}
		peer, ok := peers.At(address)
		if !ok {
			return nil, errors.New("etcd does not know the member any more")
		}
		if !peer.Learner {
			return nil, nil
		}
		refused = errors.New("it has not started")
		if peer.Name != "" {
			refused = v.Client.Promote(ctx, v.Endpoints, peer.ID)
		}
		if refused != nil && !wait.Sleep(ctx, promotePoll) {
			return refused, nil
		}
	}
}

// ClearLearners removes learners that were added and never started: etcd takes one at a time. It gives the members that
// stay.
func (v Voters) ClearLearners(ctx context.Context) (stay etcd.Peers, err error) {
	peers, err := v.Peers(ctx)
	if err != nil {
		return nil, err
	}
	for _, peer := range peers {
		if !peer.Learner || peer.Name != "" {
			stay = append(stay, peer)
			continue
		}
		v.Say("etcd: a learner at %s never started, and is taken out", cmp.Or(strings.Join(peer.URLs, ","), "no address"))
		if err := v.Client.Remove(ctx, v.Endpoints, peer.ID); err != nil {
			return nil, err
		}
	}
	return stay, nil
}

// TakeOut removes the learner at the address again, whatever ended the run. The error says so, with what failed before.
func (v Voters) TakeOut(address string, failed error) error {
	peers, err := v.Remove(address)
	if err != nil {
		return errors.Join(failed, err)
	}
	if peer, ok := peers.At(address); ok && !peer.Learner {
		return failed
	}
	return fmt.Errorf("it was taken out of etcd again, which has %d members; `mage up` tries it again: %w", len(peers), failed)
}

// Remove removes the learner at the address, if there is one, whatever ended the run. It gives the members that stay.
func (v Voters) Remove(address string) (stay etcd.Peers, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), max(v.Client.Patience, takeOutWithin))
	defer cancel()
	peers, err := v.Peers(ctx)
	if err != nil {
		return nil, err
	}
	if peer, ok := peers.At(address); ok && peer.Learner {
		return peers.Without(peer), v.Client.Remove(ctx, v.Endpoints, peer.ID)
	}
	return peers, nil
}

// RemoveMember removes a member. If it leads, another one leads from then on.
func (v Voters) RemoveMember(ctx context.Context, status etcd.Status, peer etcd.Peer) error {
	at := slices.IndexFunc(status.Members, func(m etcd.Member) bool { return m.ID == peer.ID && m.Endpoint != "" })
	for _, healthy := range status.Healthy() {
		if at < 0 || healthy.ID == peer.ID || healthy.Leader != peer.ID {
			continue
		}
		if err := v.Client.Lead(ctx, status.Members[at].Endpoint, healthy.ID); err != nil {
			return fmt.Errorf("no other member can be made the leader: %w", err)
		}
		break
	}
	return v.Client.Remove(ctx, v.Endpoints, peer.ID)
}
