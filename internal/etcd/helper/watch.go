package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"coreos-libvirt/internal/etcd/wire"
)

// between two rounds of questions.
const between = 500 * time.Millisecond

// watch tells the members' status, and again at each change, until it is cancelled.
func watch(ctx context.Context, r wire.Request, tell func(any) error) (any, error) {
	for last := (*wire.Status)(nil); ; {
		status, err := survey(ctx, r)
		if err != nil {
			return nil, err
		}
		if last == nil || !reflect.DeepEqual(status, *last) {
			if err := tell(status); err != nil {
				return nil, err
			}
		}
		last = &status
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(between):
		}
	}
}

// look is the members' status, once.
func look(ctx context.Context, r wire.Request, _ func(any) error) (any, error) { return survey(ctx, r) }

// survey asks all endpoints at once, and then the members that none of them is.
func survey(ctx context.Context, r wire.Request) (wire.Status, error) {
	var each wire.Patience
	if err := argsOf(r, &each); err != nil {
		return wire.Status{}, err
	}
	q := questioner{credentials: r.Credentials, patience: time.Duration(each.Milliseconds) * time.Millisecond}
	status := q.ask(ctx, r.Endpoints)
	return status, ctx.Err() // what is told after that is of no use
}

// questioner is how members are asked.
type questioner struct {
	credentials wire.Credentials
	patience    time.Duration // with each
}

// ask asks all endpoints at once, and then the members that none of them is.
func (q questioner) ask(ctx context.Context, endpoints []string) wire.Status {
	members, peers := q.askEach(ctx, endpoints)
	status := wire.Status{Members: members, Peers: peers}
	for i, m := range members { // one that does not answer is known by its address
		for _, peer := range peers {
			if m.ID == peer.ID || m.ID == "" && slices.Contains(peer.Clients, m.Endpoint) {
				members[i].ID, members[i].Name, members[i].Learner = peer.ID, peer.Name, peer.Learner
			}
		}
	}
	others := slices.DeleteFunc(slices.Clone(peers), func(peer wire.Peer) bool {
		return slices.ContainsFunc(members, func(m wire.Member) bool { return m.ID == peer.ID })
	})
	status.Members = append(status.Members, q.askOthers(ctx, others)...)
	return status
}

// askOthers asks members at their own client URLs, if they have any yet.
func (q questioner) askOthers(ctx context.Context, others []wire.Peer) (members []wire.Member) {
	urls := []string{}
	for _, peer := range others {
		if len(peer.Clients) > 0 {
			urls = append(urls, peer.Clients[0])
		}
	}
	told, _ := q.askEach(ctx, urls)
	for _, peer := range others {
		member := wire.Member{Error: "it has not started"}
		if len(peer.Clients) > 0 {
			member, told = told[0], told[1:]
		}
		member.ID, member.Name, member.Learner = peer.ID, peer.Name, peer.Learner
		members = append(members, member)
	}
	return members
}

// askEach asks all endpoints at once. The peers are as one of them tells that has a quorum behind it, or else
// as any does.
func (q questioner) askEach(ctx context.Context, endpoints []string) ([]wire.Member, []wire.Peer) {
	members, told := make([]wire.Member, len(endpoints)), make([][]wire.Peer, len(endpoints))
	var all sync.WaitGroup
	for i, endpoint := range endpoints {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, q.patience)
			defer cancel()
			member, err := wire.Member{Endpoint: endpoint}, error(nil)
			if told[i], err = q.describe(ctx, &member); err != nil {
				member.Error = plain(err)
			}
			members[i] = member
		})
	}
	all.Wait()
	var peers []wire.Peer
	for i, m := range members {
		if m.Healthy && len(told[i]) > 0 {
			return members, told[i]
		}
		if len(peers) == 0 {
			peers = told[i]
		}
	}
	return members, peers
}

// describe fills in what the member at the endpoint tells of itself, and gives what it tells of the others.
func (q questioner) describe(ctx context.Context, m *wire.Member) ([]wire.Peer, error) {
	if err := listens(ctx, m.Endpoint); err != nil {
		return nil, err
	}
	client, err := connect(ctx, []string{m.Endpoint}, q.credentials, time.Second)
	if err != nil {
		return nil, err
	}
	defer func() { _ = client.Close() }()
	state, err := client.Status(ctx, m.Endpoint)
	if errors.Is(err, rpctypes.ErrUserEmpty) || errors.Is(err, rpctypes.ErrPermissionDenied) {
		return describeClosed(ctx, client, m)
	}
	if err != nil {
		return nil, err
	}
	m.ID, m.Learner = fmt.Sprintf("%x", state.Header.MemberId), state.IsLearner
	m.Leader, m.Version, m.DBSize = fmt.Sprintf("%x", state.Leader), state.Version, state.DbSize
	if state.IsLearner { // which answers little else
		_, err := client.Get(ctx, "health", clientv3.WithSerializable())
		m.Healthy = allowed(err) && state.Leader != 0
		return nil, err
	}
	peers, err := members(ctx, client) // they are known without a quorum, too
	if err != nil {
		return nil, err
	}
	// a linearizable read needs a quorum: etcdctl's endpoint health does the same
	if _, err := client.Get(ctx, "health"); !allowed(err) {
		return peers, err
	}
	if slices.ContainsFunc(state.Errors, func(text string) bool { return strings.Contains(text, "NOSPACE") }) {
		return peers, errors.New("its database is full (alarm NOSPACE)")
	}
	if state, err = client.Status(ctx, m.Endpoint); err != nil { // another may lead since
		return peers, err
	}
	m.Healthy, m.Leader = true, fmt.Sprintf("%x", state.Leader)
	return members(ctx, client)
}

// listens is an error at once where nobody does: etcd's client would try again until ctx ends, and not say why.
func listens(ctx context.Context, endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil {
		return err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return err
	}
	return conn.Close()
}

// describeClosed is describe of an etcd that tells only its users how it is, and of its members nobody else.
func describeClosed(ctx context.Context, client *clientv3.Client, m *wire.Member) ([]wire.Peer, error) {
	_, err := client.Get(ctx, "health")
	if m.Healthy = allowed(err); m.Healthy {
		err = nil
	}
	return nil, err
}

// allowed tells whether the question was answered: where users are asked for, a refusal is an answer, too.
func allowed(err error) bool {
	return err == nil || errors.Is(err, rpctypes.ErrPermissionDenied) || errors.Is(err, rpctypes.ErrUserEmpty)
}

// members are those that the member asked knows of.
func members(ctx context.Context, client *clientv3.Client) ([]wire.Peer, error) {
	answer, err := client.MemberList(ctx, clientv3.WithSerializable())
	if err != nil {
		return nil, err
	}
	return peersOf(answer.Members), nil
}

// plain is the part of a gRPC error that says something.
func plain(err error) string {
	text := err.Error()
	if _, after, ok := strings.Cut(text, "desc = "); ok {
		text = after
	}
	return strings.Trim(strings.TrimPrefix(text, "connection error: desc = "), `"`)
}
