package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"coreos-libvirt/internal/etcd"
)

// change is what a verb does to the membership, through members that are healthy.
func change(ctx context.Context, endpoints []string, verb, argument string) error {
	if verb != "backup" && verb != "restore" { // which take as long as they take
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: endpoints, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	switch verb {
	case "backup":
		return backup(ctx, client, argument)
	case "restore":
		return restore(ctx, client, argument)
	}
	if verb == "add" { // as a learner: it has no vote before it has caught up
		_, err := client.MemberAddAsLearner(ctx, []string{argument})
		return err
	}
	if token, size, ok := strings.Cut(argument, ":"); ok && verb == "register" {
		n, err := strconv.Atoi(size)
		if err != nil {
			return err
		}
		return register(ctx, client, token, n)
	}
	id, err := strconv.ParseUint(argument, 16, 64)
	if err != nil && verb != "list" {
		return err
	}
	switch verb {
	case "list":
		return list(ctx, client)
	case "remove":
		_, err = client.MemberRemove(ctx, id)
	case "promote":
		_, err = client.MemberPromote(ctx, id)
	case "lead": // only the leader itself can pass the lead on: endpoints are its own
		_, err = client.MoveLeader(ctx, id)
	default:
		err = fmt.Errorf("%s is no verb", verb)
	}
	return err
}

// list prints the members as the cluster knows them.
func list(ctx context.Context, client *clientv3.Client) error {
	answer, err := client.MemberList(ctx)
	if err != nil {
		return err
	}
	peers := []etcd.Peer{}
	for _, m := range answer.Members {
		peers = append(peers, etcd.Peer{ID: fmt.Sprintf("%x", m.ID), Name: m.Name, URLs: m.PeerURLs, Clients: m.ClientURLs, Learner: m.IsLearner})
	}
	return json.NewEncoder(os.Stdout).Encode(peers)
}
