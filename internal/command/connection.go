package command

import (
	"context"
	"sync"

	"coreos-libvirt/internal/engine/libvirt"
)

// connection is the one connection to libvirt of a run, made when it is first asked for.
type connection struct {
	mu    sync.Mutex
	until context.Context // the run's end, for what waits in libvirt's calls
	conn  *libvirt.Conn
}

// open is the connection. advice is what to do if there is no libvirt at the URI.
func (c *connection) open(uri string, advice func() string) (*libvirt.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		return c.conn, nil
	}
	conn, err := libvirt.Open(uri, advice)
	if err == nil && c.until != nil {
		conn.Until(c.until)
	}
	c.conn = conn
	return conn, err
}

// endsWith has libvirt's calls give up waiting when ctx ends.
func (c *connection) endsWith(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = ctx
	if c.conn != nil {
		c.conn.Until(ctx)
	}
}
