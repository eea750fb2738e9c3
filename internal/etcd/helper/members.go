package helper

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"coreos-libvirt/internal/etcd/helper/service"
	"coreos-libvirt/internal/etcd/wire"
	"coreos-libvirt/internal/program/line"
)

const (
	// patience is how long members may take to do what they are asked for.
	patience          = 30 * time.Second
	unhealthyPoll     = 500 * time.Millisecond
	unhealthyPatience = 20 * time.Second
)

// asking is a handler that asks members that are healthy, for at most limit; 0 is for what takes as long as it takes.
func asking[A any](limit time.Duration, do func(ctx context.Context, client *clientv3.Client, args A) (any, error)) handler {
	return func(ctx context.Context, r wire.Request, _ func(any) error) (result any, err error) {
		var args A
		if err := argsOf(r, &args); err != nil {
			return nil, err
		}
		if limit > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, limit)
			defer cancel()
		}
		client, err := connect(ctx, r.Endpoints, r.Credentials)
		if err != nil {
			return nil, refusal(err, authenticate, r.Credentials.User)
		}
		defer func() { _ = client.Close() }()
		result, err = patiently(ctx, func() (any, error) { return do(ctx, client, args) })
		return result, refusal(err, callOf[r.Verb], r.Credentials.User)
	}
}

// none are the arguments of a verb that has none.
type none struct{}

func argsOf(r wire.Request, args any) error {
	if _, takesNone := args.(*none); takesNone && len(r.Args) == 0 {
		return nil
	}
	if err := line.Decode(r.Args, args); err != nil {
		return fmt.Errorf("%s: the arguments are not what it takes: %w", r.Verb, err)
	}
	return nil
}

// patiently tries again what etcd refuses because a member was not connected for its last five seconds
// (HealthInterval in its server): one that has just started, or that a busy host kept waiting. So it does where the member
// that was asked lags behind.
func patiently(ctx context.Context, do func() (any, error)) (any, error) {
	return backoff.Retry(ctx, func() (any, error) {
		result, err := do()
		if err != nil && !errors.Is(err, rpctypes.ErrUnhealthy) && !errors.Is(err, errLags) {
			err = backoff.Permanent(err)
		}
		return result, err
	}, backoff.WithBackOff(backoff.NewConstantBackOff(unhealthyPoll)), backoff.WithMaxElapsedTime(unhealthyPatience))
}

func remove(ctx context.Context, client *clientv3.Client, member wire.MemberID) (any, error) {
	return withID(member, func(id uint64) error {
		_, err := client.MemberRemove(ctx, id)
		return err
	})
}

func promote(ctx context.Context, client *clientv3.Client, member wire.MemberID) (any, error) {
	return withID(member, func(id uint64) error {
		_, err := client.MemberPromote(ctx, id)
		return err
	})
}

// lead passes the lead on, which only the leader itself can: the endpoint is its own.
func lead(ctx context.Context, client *clientv3.Client, member wire.MemberID) (any, error) {
	return withID(member, func(id uint64) error {
		_, err := client.MoveLeader(ctx, id)
		return err
	})
}

func withID(member wire.MemberID, do func(id uint64) error) (any, error) {
	id, err := strconv.ParseUint(member.ID, 16, 64)
	if err != nil {
		return nil, err
	}
	return nil, do(id)
}

// add adds a learner with that peer URL: it has no vote before it has caught up. etcd takes one at a time, and a member
// refuses it as long as it has not heard that the one before is gone.
func add(ctx context.Context, client *clientv3.Client, peer wire.PeerURL) (any, error) {
	_, err := client.MemberAddAsLearner(ctx, []string{peer.URL})
	if !errors.Is(err, rpctypes.ErrTooManyLearners) {
		return nil, err
	}
	if members, listed := client.MemberList(ctx); listed == nil && !slices.ContainsFunc(members.Members, (*pb.Member).GetIsLearner) {
		return nil, errLags
	}
	return nil, err
}

var errLags = errors.New("the member has not heard yet what the others know")

// registerToken registers a token that nobody has used yet.
func registerToken(ctx context.Context, client *clientv3.Client, token wire.Token) (any, error) {
	return nil, service.Register(ctx, client, token)
}

// serveDiscovery serves a token until ctx ends.
func serveDiscovery(ctx context.Context, r wire.Request, tell func(any) error) (any, error) {
	var args wire.Service
	if err := argsOf(r, &args); err != nil {
		return nil, err
	}
	return nil, service.Serve(ctx, args, tell)
}

func peersOf(members []*pb.Member) []wire.Peer {
	peers := []wire.Peer{}
	for _, m := range members {
		peers = append(peers, wire.Peer{ID: fmt.Sprintf("%x", m.ID), Name: m.Name, URLs: m.PeerURLs, Clients: m.ClientURLs, Learner: m.IsLearner})
	}
	return peers
}
