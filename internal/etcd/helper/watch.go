package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"coreos-libvirt/internal/etcd"
)

// between two rounds of questions.
const between = 500 * time.Millisecond

// watch prints the members' status, and again at each change, until it is whole; with n=0 once.
func watch(ctx context.Context, endpoints []string, n int, patience time.Duration, excused ...string) error {
	out := json.NewEncoder(os.Stdout)
	var last etcd.Status
	for {
		status := ask(ctx, endpoints, patience)
		if !reflect.DeepEqual(status, last) {
			if err := out.Encode(status); err != nil {
				return err
			}
		}
		last = status
		if n == 0 || status.Whole(n, excused...) == nil {
			return nil
		}
		time.Sleep(between)
	}
}

// ask asks all endpoints at once, and then the members that none of them is.
func ask(ctx context.Context, endpoints []string, patience time.Duration) etcd.Status {
	members, peers := askEach(ctx, endpoints, patience)
	status := etcd.Status{Members: members, Peers: peers}
	for i, m := range members { // one that does not answer is known by its address
		for _, peer := range peers {
			if m.ID == peer.ID || m.ID == "" && slices.Contains(peer.Clients, m.Endpoint) {
				members[i].ID, members[i].Name, members[i].Learner = peer.ID, peer.Name, peer.Learner
			}
		}
	}
	others := slices.DeleteFunc(slices.Clone(peers), func(peer etcd.Peer) bool {
		return slices.ContainsFunc(members, func(m etcd.Member) bool { return m.ID == peer.ID })
	})
	more, _ := askEach(ctx, others.Clients(), patience)
	for _, peer := range others {
		member := etcd.Member{Error: "it has not started"}
		if len(peer.Clients) > 0 {
			member, more = more[0], more[1:]
		}
		member.ID, member.Name, member.Learner = peer.ID, peer.Name, peer.Learner
		status.Members = append(status.Members, member)
	}
	return status
}

// askEach asks all endpoints at once. The peers are as one of them tells that has a quorum behind it, or else
// as any does.
func askEach(ctx context.Context, endpoints []string, patience time.Duration) ([]etcd.Member, etcd.Peers) {
	members, told := make([]etcd.Member, len(endpoints)), make([]etcd.Peers, len(endpoints))
	var all sync.WaitGroup
	for i, endpoint := range endpoints {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			member, err := etcd.Member{Endpoint: endpoint}, error(nil)
			if told[i], err = describe(ctx, &member); err != nil {
				member.Error = plain(err)
			}
			members[i] = member
		})
	}
	all.Wait()
	var peers etcd.Peers
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
func describe(ctx context.Context, m *etcd.Member) (etcd.Peers, error) {
	if err := listens(ctx, m.Endpoint); err != nil {
		return nil, err
	}
	client, err := connect([]string{m.Endpoint}, time.Second)
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
func describeClosed(ctx context.Context, client *clientv3.Client, m *etcd.Member) (etcd.Peers, error) {
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
func members(ctx context.Context, client *clientv3.Client) (etcd.Peers, error) {
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
