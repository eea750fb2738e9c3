package etcd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"coreos-libvirt/internal/etcd/wire"
	"coreos-libvirt/internal/terminal/hint"
)

// serveTries is how often the service is started for one Server.
const serveTries = 3

// Server is a running discovery service.
type Server struct {
	end   context.CancelFunc
	ended chan struct{} // closed when it serves no more
	why   error         // then; nil if it was closed
}

// Serve has the helper run an etcd that serves the discovery of one cluster at the URL's host and port, with its
// data in the folder data: the same data bring back the same token. It is answering when Serve
// returns, and ends with this process, however that ends.
func (h Helper) Serve(ctx context.Context, listen, data, token string, size int) (*Server, error) {
	data, err := filepath.Abs(data)
	if err != nil {
		return nil, err
	}
	service := wire.Service{Listen: listen, Data: data, Token: wire.Token{ID: token, Size: size}}
	serving, end := context.WithCancel(context.WithoutCancel(ctx))
	server, begun := &Server{end: end, ended: make(chan struct{})}, make(chan error, 1)
	go func() {
		defer close(server.ended)
		server.why = h.keepServing(serving, service, begun)
	}()
	select {
	case err = <-begun:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		server.Close()
		return nil, hint.Add(err, "another program may have the address; `mage down` and `mage up` take another one")
	}
	return server, nil
}

// keepServing serves until ctx ends. If the helper dies, the next one goes on with the same data. How it began goes to begun.
// The error is of a service that has begun, and ended by itself.
func (h Helper) keepServing(ctx context.Context, service wire.Service, begun chan<- error) error {
	served := false
	for tried := 1; ; tried++ {
		err := h.ask(ctx, wire.Serve, nil, service, func(json.RawMessage) error {
			if !served {
				begun <- nil
			}
			served = true
			return nil
		})
		switch {
		case !served:
			begun <- fmt.Errorf("the discovery service does not start: %w", err)
			return nil
		case ctx.Err() != nil:
			return nil
		case tried == serveTries || !errors.Is(err, errEnded):
			return lost(err, tried)
		}
	}
}

// lost is the error of a service that has ended by itself.
func lost(err error, starts int) error {
	if err == nil {
		err = errors.New("the etcd in it has stopped")
	}
	return hint.Errorf("nodes that have not found each other yet do so when `mage up` is run again", "the discovery service has ended, after %d starts: %w", starts, err)
}

// Wait waits until the service has ended. It gives nil if it was closed, else what happened to it.
func (s *Server) Wait() error {
	<-s.ended
	return s.why
}

// Lost is what happened to a service that has ended by itself; nil if it serves, or was closed.
func (s *Server) Lost() error {
	if s == nil || !isClosed(s.ended) {
		return nil
	}
	return s.why
}

// Close ends the service. A nil Server has none.
func (s *Server) Close() {
	if s == nil {
		return
	}
	s.end()
	<-s.ended
}
