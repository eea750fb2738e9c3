package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
)

// patience is how long etcd may take to serve.
const patience = 30 * time.Second

// serve is an etcd of one member on the client URL listen ("http://10.77.0.2:23790"), which knows the
// token, until standard input ends.
func serve(listen, data, token string, size int) error {
	config, err := configuration(listen, data)
	if err != nil {
		return err
	}
	old := &v2{listen: listen}
	config.UserHandlers = map[string]http.Handler{v2Path: old, "/new": old}
	for _, path := range []string{"/metrics", "/health", "/livez", "/livez/", "/readyz", "/readyz/", "/debug/", "/config/"} {
		config.UserHandlers[path] = http.NotFoundHandler()
	}
	server, err := embed.StartEtcd(config)
	if err != nil {
		return err
	}
	defer server.Close()
	old.client = v3client.New(server.Server)
	defer func() { _ = old.client.Close() }()
	select {
	case <-server.Server.ReadyNotify():
	case err := <-server.Err():
		return err
	case <-time.After(patience):
		return errors.New("etcd does not get ready")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := errors.Join(register(ctx, old.client, token, size), old.register(ctx, token, size)); err != nil {
		return err
	}
	fmt.Println("serving")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// configuration has no listener for peers: there are none.
func configuration(listen, data string) (*embed.Config, error) {
	client, err := url.Parse(listen)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	config := embed.NewConfig()
	config.Dir = data
	config.ListenClientUrls = []url.URL{*client}
	config.AdvertiseClientUrls = config.ListenClientUrls
	config.ListenPeerUrls = nil
	config.EnableGRPCGateway = false
	config.GRPCAdditionalServerOptions = onlyDiscovery()
	config.LogLevel = "warn"
	config.LogOutputs = []string{filepath.Join(data, "log")}
	config.AutoCompactionMode, config.AutoCompactionRetention = "revision", "1000"
	return config, config.Validate()
}

// register tells how many members the cluster of the token has, unless that was said before. The key
// is of etcd's v3 discovery (server/etcdserver/api/v3discovery/discovery.go in etcd 3.6).
func register(ctx context.Context, client *clientv3.Client, token string, size int) error {
	key := registry + token + "/_config/size"
	_, err := client.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
		Then(clientv3.OpPut(key, strconv.Itoa(size))).
		Commit()
	return err
}
