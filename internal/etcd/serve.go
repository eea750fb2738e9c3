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
	ended chan struct{}
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
		h.keepServing(serving, service, begun)
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
func (h Helper) keepServing(ctx context.Context, service wire.Service, begun chan<- error) {
	served := false
	for range serveTries {
		err := h.ask(ctx, wire.Serve, nil, service, func(json.RawMessage) error {
			if !served {
				begun <- nil
			}
			served = true
			return nil
		})
		if !served {
			begun <- fmt.Errorf("the discovery service does not start: %w", err)
		}
		if !served || ctx.Err() != nil || !errors.Is(err, errEnded) {
			return
		}
	}
}

// Close ends the service. A nil Server has none.
func (s *Server) Close() {
	if s == nil {
		return
	}
	s.end()
	<-s.ended
}
