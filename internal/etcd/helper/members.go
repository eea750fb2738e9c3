package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"coreos-libvirt/internal/etcd"
)

const (
	unhealthyPoll     = 500 * time.Millisecond
	unhealthyPatience = 20 * time.Second
)

// verb is one thing that is asked of or done to a cluster, with an argument.
type verb func(ctx context.Context, client *clientv3.Client, argument string) error

var verbs = map[string]verb{
	"list":     list,
	"add":      add,
	"register": registerToken,
	"backup":   backup,
	"restore":  restore,
	"remove": withID(func(ctx context.Context, client *clientv3.Client, id uint64) error {
		_, err := client.MemberRemove(ctx, id)
		return err
	}),
	"promote": withID(func(ctx context.Context, client *clientv3.Client, id uint64) error {
		_, err := client.MemberPromote(ctx, id)
		return err
	}),
	// only the leader itself can pass the lead on: endpoints are its own
	"lead": withID(func(ctx context.Context, client *clientv3.Client, id uint64) error {
		_, err := client.MoveLeader(ctx, id)
		return err
	}),
}

// change does what the verb says, through members that are healthy.
func change(ctx context.Context, endpoints []string, name, argument string) error {
	do, ok := verbs[name]
	if !ok {
		return fmt.Errorf("%s is no verb", name)
	}
	if name != "backup" && name != "restore" { // which take as long as they take
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	client, err := connect(endpoints, 5*time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	return patiently(ctx, func() error { return do(ctx, client, argument) })
}

// patiently tries again what etcd refuses because a member was not connected for its last five seconds
// (HealthInterval in its server): one that has just started, or that a busy host kept waiting. So it does where the member
// that was asked lags behind.
func patiently(ctx context.Context, do func() error) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := do()
		if err != nil && !errors.Is(err, rpctypes.ErrUnhealthy) && !errors.Is(err, errLags) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(backoff.NewConstantBackOff(unhealthyPoll)), backoff.WithMaxElapsedTime(unhealthyPatience))
	return err
}

// withID is a verb whose argument is a member's id in hexadecimal.
func withID(do func(ctx context.Context, client *clientv3.Client, id uint64) error) verb {
	return func(ctx context.Context, client *clientv3.Client, argument string) error {
		id, err := strconv.ParseUint(argument, 16, 64)
		if err != nil {
			return err
		}
		return do(ctx, client, id)
	}
}

// add adds a learner with that peer URL: it has no vote before it has caught up. etcd takes one at a time, and a member
// refuses it as long as it has not heard that the one before is gone.
func add(ctx context.Context, client *clientv3.Client, peerURL string) error {
	_, err := client.MemberAddAsLearner(ctx, []string{peerURL})
	if !errors.Is(err, rpctypes.ErrTooManyLearners) {
		return err
	}
	if members, listed := client.MemberList(ctx); listed == nil && !slices.ContainsFunc(members.Members, (*pb.Member).GetIsLearner) {
		return errLags
	}
	return err
}

var errLags = errors.New("the member has not heard yet what the others know")

// registerToken is register of TOKEN:SIZE, which nobody has used yet.
func registerToken(ctx context.Context, client *clientv3.Client, argument string) error {
	token, size, _ := strings.Cut(argument, ":")
	n, err := strconv.Atoi(size)
	if err != nil {
		return err
	}
	members, err := client.Get(ctx, registry+token+"/members/", clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err == nil && members.Count > 0 {
		err = fmt.Errorf("the token is in use: %d members have registered", members.Count)
	}
	if err != nil {
		return err
	}
	return register(ctx, client, token, n)
}

// list prints the members as the cluster knows them.
func list(ctx context.Context, client *clientv3.Client, _ string) error {
	answer, err := client.MemberList(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(peersOf(answer.Members))
}

func peersOf(members []*pb.Member) etcd.Peers {
	peers := etcd.Peers{}
	for _, m := range members {
		peers = append(peers, etcd.Peer{ID: fmt.Sprintf("%x", m.ID), Name: m.Name, URLs: m.PeerURLs, Clients: m.ClientURLs, Learner: m.IsLearner})
	}
	return peers
}
