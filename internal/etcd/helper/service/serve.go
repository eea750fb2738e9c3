// Package service is the discovery service: one token of a cluster that forms, for its nodes and nobody else.
package service

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"

	"coreos-libvirt/internal/etcd/wire"
)

// patience is how long etcd may take to serve.
const patience = 30 * time.Second

// quota is how many bytes etcd may keep: the keys of a token are a few hundred KiB at most.
const quota = 16 << 20

// Serve serves the token at the service's address, out of an etcd of one member, until ctx ends. It gives nil when it serves,
// and then a wire.Refused for each caller that it does not serve.
func Serve(ctx context.Context, service wire.Service, tell func(any) error) error {
	listener, err := listen(service.Listen)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	server, err := start(service)
	if err != nil {
		return err
	}
	defer server.Close()
	known := &registry{client: v3client.New(server.Server), token: service.Token}
	defer func() { _ = known.client.Close() }()
	if err := begin(ctx, server, known); err != nil {
		return err
	}
	visible, ended := front(server, known), make(chan error, 1)
	go func() { ended <- visible.Serve(guarded{listener, newGate(service, tell)}) }()
	defer func() { _ = visible.Close() }()
	if err := tell(nil); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-ended:
		return err
	case err := <-server.Err():
		return err
	}
}

func start(service wire.Service) (*embed.Etcd, error) {
	config, err := configuration(service)
	if err != nil {
		return nil, err
	}
	return embed.StartEtcd(config)
}

// begin waits until the server is ready, and makes the token known to it, in both protocols.
func begin(ctx context.Context, server *embed.Etcd, r *registry) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-server.Server.ReadyNotify():
	case err := <-server.Err():
		return err
	case <-ctx.Done():
		return errors.New("etcd does not get ready")
	}
	return errors.Join(register(ctx, r.client, v3Store, r.token), register(ctx, r.client, v2Store, r.token))
}

// configuration has no listener at all: front.go has the only one.
func configuration(service wire.Service) (*embed.Config, error) {
	if err := os.MkdirAll(service.Data, 0o700); err != nil {
		return nil, err
	}
	config := embed.NewConfig()
	config.Dir = service.Data
	config.ListenClientUrls, config.AdvertiseClientUrls, config.ListenPeerUrls = nil, nil, nil
	config.EnableGRPCGateway = false
	config.QuotaBackendBytes = quota
	config.LogLevel = "warn"
	config.LogOutputs = []string{filepath.Join(service.Data, "log")}
	config.AutoCompactionMode, config.AutoCompactionRetention = "revision", "1000"
	return config, config.Validate()
}

// Register writes into an etcd how many members the cluster of the token has, unless that was said before or somebody has
// registered: by v3 discovery.
func Register(ctx context.Context, client *clientv3.Client, token wire.Token) error {
	members, err := client.Get(ctx, string(keysOf(token.ID))+"members/", clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err == nil && members.Count > 0 {
		err = fmt.Errorf("the token is in use: %d members have registered", members.Count)
	}
	if err != nil {
		return err
	}
	return register(ctx, client, v3Store, token)
}

// register tells how many members the cluster of the token has, unless that was said before. The key
// is of etcd's discovery, v2 or v3 (server/etcdserver/api/v3discovery/discovery.go in etcd 3.6).
func register(ctx context.Context, client *clientv3.Client, store string, token wire.Token) error {
	key := store + token.ID + "/_config/size"
	_, err := client.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
		Then(clientv3.OpPut(key, strconv.Itoa(token.Size))).
		Commit()
	return err
}
