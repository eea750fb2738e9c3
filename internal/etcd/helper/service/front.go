package service

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc"
)

const (
	// longestBody is how many bytes a request may have.
	longestBody = 4 << 10
	// longestHeader is how many those before its body may be.
	longestHeader = 8 << 10
	// readWithin is how long either may take to come.
	readWithin = 10 * time.Second
	// idle is how long a connection may do nothing.
	idle = 2 * time.Minute
	// streams is how many requests may be open on a connection.
	streams = 16
	// received is how many bytes of them may wait, unread.
	received = 64 << 10
)

// listen takes the address of the URL.
func listen(address string) (net.Listener, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	return net.Listen("tcp", u.Host)
}

// front is all that the network sees: v3 discovery over gRPC, v2 discovery over HTTP. etcd itself listens nowhere.
func front(server *embed.Etcd, r *registry) *http.Server {
	grpc := v3rpc.Server(server.Server, nil, nil, onlyDiscovery(r)...)
	old := &v2{registry: r}
	both := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
			grpc.ServeHTTP(w, r)
			return
		}
		old.ServeHTTP(w, r)
	})
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler: both, Protocols: protocols, ErrorLog: log.New(io.Discard, "", 0),
		ReadHeaderTimeout: readWithin, IdleTimeout: idle, MaxHeaderBytes: longestHeader,
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: streams, MaxReceiveBufferPerConnection: received, MaxReceiveBufferPerStream: received},
	}
}
