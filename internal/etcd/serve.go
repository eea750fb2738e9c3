package etcd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"coreos-libvirt/internal/etcd/wire"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/printable"
)

// serveTries is how often the service is started for one Server.
const serveTries = 3

// Server is a running discovery service.
type Server struct {
	end   context.CancelFunc
	ended chan struct{}
}

// Serve has the helper run an etcd that serves the discovery of one cluster at the service's host and port, with its
// data in its folder: the same data bring back the same token. It is answering when Serve
// returns, and ends with this process, however that ends. Whom it does not serve is said.
func (h Helper) Serve(ctx context.Context, service Service, say func(format string, args ...any)) (*Server, error) {
	var err error
	if service.Data, err = filepath.Abs(service.Data); err != nil {
		return nil, err
	}
	serving, end := context.WithCancel(context.WithoutCancel(ctx))
	server, begun := &Server{end: end, ended: make(chan struct{})}, make(chan error, 1)
	go func() {
		defer close(server.ended)
		h.keepServing(serving, service, begun, say)
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
func (h Helper) keepServing(ctx context.Context, service Service, begun chan<- error, say func(format string, args ...any)) {
	served := false
	for range serveTries {
		err := h.ask(ctx, wire.Serve, nil, service, func(told json.RawMessage) error {
			if len(told) > 0 {
				return sayRefused(told, service.Link, say)
			}
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

// sayRefused says who is not served, and what else that may mean.
func sayRefused(told json.RawMessage, link string, say func(format string, args ...any)) error {
	var who wire.Refused
	if err := wire.Decode(told, &who); err != nil {
		return err
	}
	at := cmp.Or(who.MAC, "which this host does not see there")
	say("discovery: %s (%s) is not served: no node of this cluster has that hardware address on %s (if it is one behind a router or a bridge of its own: discovery_listen= with another address of this host does not look at that)",
		printable.Line(who.Address), printable.Line(at), link)
	return nil
}

// Close ends the service. A nil Server has none.
func (s *Server) Close() {
	if s == nil {
		return
	}
	s.end()
	<-s.ended
}
