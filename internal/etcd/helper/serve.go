package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
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

// serveDiscovery is an etcd of one member on the client URL, which knows the token, until ctx ends.
func serveDiscovery(ctx context.Context, r wire.Request, tell func(any) error) (any, error) {
	var service wire.Service
	if err := argsOf(r, &service); err != nil {
		return nil, err
	}
	config, err := configuration(service)
	if err != nil {
		return nil, err
	}
	old := &v2{listen: service.Listen}
	config.UserHandlers = map[string]http.Handler{v2Path: old, "/new": old}
	for _, path := range []string{"/metrics", "/health", "/livez", "/livez/", "/readyz", "/readyz/", "/debug/", "/config/"} {
		config.UserHandlers[path] = http.NotFoundHandler()
	}
	server, err := embed.StartEtcd(config)
	if err != nil {
		return nil, err
	}
	defer server.Close()
	old.client = v3client.New(server.Server)
	defer func() { _ = old.client.Close() }()
	if err := begin(ctx, server, old, service.Token); err != nil {
		return nil, err
	}
	if err := tell(nil); err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, nil
	case err := <-server.Err():
		return nil, err
	}
}

// begin waits until the server is ready, and makes the token known to it, in both protocols.
func begin(ctx context.Context, server *embed.Etcd, old *v2, token wire.Token) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-server.Server.ReadyNotify():
	case err := <-server.Err():
		return err
	case <-ctx.Done():
		return errors.New("etcd does not get ready")
	}
	return errors.Join(register(ctx, old.client, token), old.register(ctx, token.ID, token.Size))
}

// configuration has no listener for peers: there are none.
func configuration(service wire.Service) (*embed.Config, error) {
	client, err := url.Parse(service.Listen)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(service.Data, 0o700); err != nil {
		return nil, err
	}
	config := embed.NewConfig()
	config.Dir = service.Data
	config.ListenClientUrls = []url.URL{*client}
	config.AdvertiseClientUrls = config.ListenClientUrls
	config.ListenPeerUrls = nil
	config.EnableGRPCGateway = false
	config.GRPCAdditionalServerOptions = onlyDiscovery()
	config.LogLevel = "warn"
	config.LogOutputs = []string{filepath.Join(service.Data, "log")}
	config.AutoCompactionMode, config.AutoCompactionRetention = "revision", "1000"
	return config, config.Validate()
}

// register tells how many members the cluster of the token has, unless that was said before. The key
// is of etcd's v3 discovery (server/etcdserver/api/v3discovery/discovery.go in etcd 3.6).
func register(ctx context.Context, client *clientv3.Client, token wire.Token) error {
	key := registry + token.ID + "/_config/size"
	_, err := client.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
		Then(clientv3.OpPut(key, strconv.Itoa(token.Size))).
		Commit()
	return err
}
