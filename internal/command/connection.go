package command

import (
	"context"
	"fmt"
	"sync"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/fleet"
	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/engine/libvirt/volumes"
)

// connection is what a run has to libvirt or Kubernetes, made when it is first asked for: one connection to one host, or one to each of several.
type connection struct {
	mu     sync.Mutex
	until  context.Context // the run's end, for what waits in libvirt's calls
	looks  bool            // whether the run only looks
	daemon *libvirt.Conn   // of one host
	fleet  *fleet.Fleet    // of several
	nodes  fleet.On        // on Kubernetes
	conn   engine.Engine   // the one or the other, as what runs nodes; read-only if the run only looks
}

// open is the connection. advice is what to do if there is no libvirt at the URI, files says where nodes' files are if that is on
// another host.
func (c *connection) open(uri string, advice func(cause error) string, files volumes.Options) (*libvirt.Conn, error) {
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
	c.daemon = daemon
	c.take(daemon)
	return daemon, nil
}

// openAll is the fleet of the hosts. It is there at once: who asks a host waits for it.
func (c *connection) openAll(hosts []fleet.Spec) *fleet.Fleet {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fleet == nil {
		c.fleet = fleet.Open(hosts, libvirt.Definitions{})
		c.take(c.fleet)
	}
	return c.fleet
}

// openNodes is the engine of nodes on Kubernetes, which open opens.
func (c *connection) openNodes(open func(context.Context) (fleet.On, error)) (engine.Engine, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nodes == nil {
		ctx := c.until
		if ctx == nil {
			ctx = context.Background()
		}
		nodes, err := open(ctx)
		if err != nil {
			return nil, err
		}
		c.nodes = nodes
		c.take(nodes)
	}
	return c.conn, nil
}

// take has the run go by what was opened.
func (c *connection) take(on fleet.On) {
	if c.until != nil {
		on.Until(c.until)
	}
	if c.conn = on; c.looks {
		c.conn = engine.ReadOnly(on)
	}
}

// under is what was opened; nil if nothing was.
func (c *connection) under() fleet.On {
	switch {
	case c.fleet != nil:
		return c.fleet
	case c.daemon != nil:
		return c.daemon
	}
	return c.nodes
}

// close ends the connection, if there is one.
func (c *connection) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if on := c.under(); on != nil {
		on.Close()
	}
	c.daemon, c.fleet, c.nodes, c.conn = nil, nil, nil, nil
}

// onlyLook makes this a connection by which nothing can be changed.
func (c *connection) onlyLook() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looks = true
	if on := c.under(); on != nil {
		c.conn = engine.ReadOnly(on)
	}
}

// endsWith has libvirt's calls give up waiting when ctx ends.
func (c *connection) endsWith(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = ctx
	if on := c.under(); on != nil {
		on.Until(ctx)
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
