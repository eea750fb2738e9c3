package command

import (
	"context"
	"fmt"
	"sync"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/engine/libvirt/volumes"
)

// connection is the one connection to libvirt of a run, made when it is first asked for.
type connection struct {
	mu     sync.Mutex
	until  context.Context // the run's end, for what waits in libvirt's calls
	looks  bool            // whether the run only looks
	daemon *libvirt.Conn
	conn   engine.Engine // the same, as what runs nodes; read-only if the run only looks
}

// open is the connection. advice is what to do if there is no libvirt at the URI, files says where nodes' files are if that is on
// another host.
func (c *connection) open(uri string, advice func() string, files volumes.Options) (*libvirt.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.daemon != nil {
		return c.daemon, nil
	}
	daemon, err := libvirt.Open(uri, advice)
	if err != nil {
		return nil, err
	}
	daemon.KeepFiles(files)
	if c.until != nil {
		daemon.Until(c.until)
	}
	c.daemon, c.conn = daemon, daemon
	if c.looks {
		c.conn = engine.ReadOnly(daemon)
	}
	return daemon, nil
}

// close ends the connection, if there is one.
func (c *connection) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.daemon != nil {
		c.daemon.Close()
	}
	c.daemon, c.conn = nil, nil
}

// onlyLook makes this a connection by which nothing can be changed.
func (c *connection) onlyLook() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looks = true
	if c.daemon != nil {
		c.conn = engine.ReadOnly(c.daemon)
	}
}

// endsWith has libvirt's calls give up waiting when ctx ends.
func (c *connection) endsWith(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = ctx
	if c.daemon != nil {
		c.daemon.Until(ctx)
	}
}

// able is the engine as one that can do more than all can; what says in words what that is.
func able[T any](e engine.Engine, what string) (T, error) {
	as, ok := engine.As[T](e)
	if !ok {
		return as, fmt.Errorf("what runs these nodes has no %s", what)
	}
	return as, nil
}
