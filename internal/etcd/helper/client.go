package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"coreos-libvirt/internal/etcd"
)

// connect is a client of the endpoints, with the credentials that this program was given.
func connect(endpoints []string, dial time.Duration) (*clientv3.Client, error) {
	var c etcd.Credentials
	if text, given := os.LookupEnv(etcd.CredentialsVariable); given { //nolint:forbidigo // a program of its own, started with it
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			return nil, fmt.Errorf("%s: %w", etcd.CredentialsVariable, err)
		}
	}
	config := clientv3.Config{Endpoints: endpoints, DialTimeout: dial, Logger: zap.NewNop(), Username: c.User, Password: c.Password}
	if strings.HasPrefix(endpoints[0], "https://") {
		var err error
		if config.TLS, err = secure(c); err != nil {
			return nil, err
		}
	}
	return clientv3.New(config)
}

func secure(c etcd.Credentials) (*tls.Config, error) {
	if c.CA == "" && c.Cert == "" {
		return &tls.Config{MinVersion: tls.VersionTLS12}, nil
	}
	return transport.TLSInfo{TrustedCAFile: c.CA, CertFile: c.Cert, KeyFile: c.Key}.ClientConfig()
}
