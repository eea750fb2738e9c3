package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"time"

	"coreos-libvirt/internal/etcd"
)

// between two rounds of questions.
const between = 500 * time.Millisecond

// watch prints the members' status, and again at each change, until n of them are healthy.
func watch(ctx context.Context, endpoints []string, n int, patience time.Duration) error {
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
		if len(status.Healthy()) >= n {
			return nil
		}
		time.Sleep(between)
	}
}

// ask asks all endpoints at once.
func ask(ctx context.Context, endpoints []string, patience time.Duration) etcd.Status {
	status := etcd.Status{Members: make([]etcd.Member, len(endpoints))}
	var all sync.WaitGroup
	for i, endpoint := range endpoints {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			member := etcd.Member{Endpoint: endpoint}
			if err := describe(ctx, &member); err != nil {
				member.Error = plain(err)
			}
			status.Members[i] = member
		})
	}
	all.Wait()
	return status
}

// describe fills in what the member at the endpoint tells of itself.
func describe(ctx context.Context, m *etcd.Member) error {
	client, err := connect([]string{m.Endpoint}, time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	state, err := client.Status(ctx, m.Endpoint)
	if err != nil {
		return err
	}
	m.ID = fmt.Sprintf("%x", state.Header.MemberId)
	m.Leader, m.Version, m.DBSize = fmt.Sprintf("%x", state.Leader), state.Version, state.DbSize
	members, err := client.MemberList(ctx)
	if err != nil {
		return err
	}
	for _, one := range members.Members {
		if one.ID == state.Header.MemberId {
			m.Name = one.Name
		}
	}
	// a linearizable read needs a quorum: etcdctl's endpoint health does the same
	if _, err := client.Get(ctx, "health"); err != nil {
		return err
	}
	m.Healthy = true
	return nil
}

// plain is the part of a gRPC error that says something.
func plain(err error) string {
	text := err.Error()
	if _, after, ok := strings.Cut(text, "desc = "); ok {
		text = after
	}
	return strings.Trim(strings.TrimPrefix(text, "connection error: desc = "), `"`)
}
