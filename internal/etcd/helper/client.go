package helper

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"coreos-libvirt/internal/etcd/wire"
)

// longestMessage is how many bytes a member may answer: it is a guest, and may be anybody's by now. Those of a list are about
// 200 a member, those of a snapshot's parts 32 KiB (snapshotSendBufferSize in etcd's server/etcdserver/api/v3rpc/maintenance.go).
const longestMessage = 64 << 10

// connect is a client of the endpoints that shows the credentials. With a user it waits until etcd knows that one, for as long as
// etcd may take to do anything.
func connect(ctx context.Context, endpoints []string, c wire.Credentials) (*clientv3.Client, error) {
	if len(endpoints) == 0 {
		return nil, errors.New("no endpoints")
	}
	config := clientv3.Config{
		Context: ctx, Endpoints: endpoints, DialTimeout: patience, Logger: zap.NewNop(), Username: c.User, Password: c.Password,
		MaxCallRecvMsgSize: longestMessage,
	}
	if strings.HasPrefix(endpoints[0], "https://") {
		var err error
		if config.TLS, err = secure(c); err != nil {
			return nil, err
		}
	}
	return clientv3.New(config)
}

func secure(c wire.Credentials) (*tls.Config, error) {
	if c.CA == "" && c.Cert == "" {
		return &tls.Config{MinVersion: tls.VersionTLS12}, nil
	}
	return transport.TLSInfo{TrustedCAFile: c.CA, CertFile: c.Cert, KeyFile: c.Key}.ClientConfig()
}
