package etcd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"coreos-libvirt/internal/etcd/wire"
	"coreos-libvirt/internal/program/helper"
	"coreos-libvirt/internal/program/line"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/printable"
)

// serveTries is how often the service is started for one Server.
const serveTries = 3

// Server is a running discovery service.
type Server struct {
	end   context.CancelFunc
	ended chan struct{} // closed when it serves no more
	why   error         // then; nil if it was closed
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
		server.why = h.keepServing(serving, service, begun, say)
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
func (h Helper) keepServing(ctx context.Context, service Service, begun chan<- error, say func(format string, args ...any)) error {
	served := false
	for tried := 1; ; tried++ {
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
		switch {
		case !served:
			begun <- fmt.Errorf("the discovery service does not start: %w", err)
			return nil
		case ctx.Err() != nil:
			return nil
		case tried == serveTries || !errors.Is(err, helper.ErrEnded):
			return lost(err, tried)
		}
	}
}

// sayRefused says who is not served, and what else that may mean.
func sayRefused(told json.RawMessage, link string, say func(format string, args ...any)) error {
	var who wire.Refused
	if err := line.Decode(told, &who); err != nil {
		return err
	}
	at := cmp.Or(who.MAC, "which this host does not see there")
	say("discovery: %s (%s) is not served: no node of this cluster has that hardware address on %s (if it is one behind a router or a bridge of its own: discovery_listen= with another address of this host does not look at that)",
		printable.Line(who.Address), printable.Line(at), link)
	return nil
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
	if s == nil {
		return nil
	}
	select {
	case <-s.ended:
		return s.why
	default:
		return nil
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
