//go:build cgo && libvirt_dlopen

package libvirt

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"coreos-libvirt/internal/engine/libvirt/refusal"

	"github.com/cenkalti/backoff/v5"
	"libvirt.org/go/libvirt"

	"coreos-libvirt/internal/terminal/hint"
)

const (
	retryEvery = 250 * time.Millisecond
	// restartPatience is how long a daemon may be away, and how long it may refuse what will go by.
	restartPatience = 30 * time.Second
	// A daemon that says nothing for this many intervals is taken for dead.
	keepAliveInterval, keepAliveCount = 5, 3 // seconds
)

// connection is one to a libvirt daemon. If the daemon is restarted, it is made again.
type connection struct {
	*events
	dials  string                   // the URI
	uri    string                   // as it is shown
	advice func(cause error) string // for who gets no connection

	mu    sync.Mutex // of c and until
	c     *libvirt.Connect
	until context.Context // ends what calls wait for

	slow sync.Once // says that the daemon does not answer

	calls atomic.Int64 // of libvirt's, that go to the daemon
}

// Until has calls wait no longer than ctx lives, for a daemon that is away or refuses for the moment.
func (c *connection) Until(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = ctx
}

func (c *connection) waits() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.until
}

// Calls is how many calls of libvirt's were made so far that go to the daemon.
func (c *connection) Calls() int64 { return c.calls.Load() }

// Close ends the connection.
func (c *connection) Close() {
	_ = c.c.UnregisterCloseCallback()
	_, _ = c.c.Close()
}

// use does something with the connection. Where the daemon has hung up, it is done again on a new connection;
// so it must do no harm twice. What libvirt refuses for the moment only is tried again, too.
func (c *connection) use(do func(*libvirt.Connect) error) error {
	_, err := backoff.Retry(c.waits(), func() (struct{}, error) {
		conn, err := c.live()
		if err != nil {
			return struct{}{}, err
		}
		c.calls.Add(1)
		defer c.watchSlow()()
		if err = do(conn); err != nil && !transient(err) && !dead(conn) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(backoff.NewConstantBackOff(retryEvery)), backoff.WithMaxElapsedTime(restartPatience))
	return err
}

// live is the connection, made again where it is dead. The dead one is left to its last users: they may be
// in the middle of a call.
func (c *connection) live() (*libvirt.Connect, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.c != nil && !dead(c.c) {
		return c.c, nil
	}
	connected := c.watchSlow()
	conn, err := libvirt.NewConnect(c.dials)
	connected()
	if err != nil {
		cause := refusal.Plain(err)
		return nil, hint.Errorf(c.advice(cause), "no libvirt at uri=%s: %w", c.uri, cause)
	}
	c.listen(conn, func() { _ = c.use(func(*libvirt.Connect) error { return nil }) })
	c.c = conn
	return conn, nil
}

func dead(conn *libvirt.Connect) bool {
	alive, err := conn.IsAlive()
	return err != nil || !alive
}

// transient reports whether libvirt refuses something that it will take a little later: another call is at
// the domain, or a storage pool has jobs of its own running.
func transient(err error) bool {
	for _, code := range []libvirt.ErrorNumber{libvirt.ERR_OPERATION_TIMEOUT, libvirt.ERR_RESOURCE_BUSY} {
		if refusal.Is(err, code) {
			return true
		}
	}
	var e libvirt.Error
	return errors.As(err, &e) && strings.Contains(e.Message, "asynchronous jobs running")
}

// with looks the domain up for the time of one call. Its errors do not name the domain: callers do.
func (c *connection) with(name string, do func(*libvirt.Domain) error) error {
	return c.use(func(conn *libvirt.Connect) error {
		c.calls.Add(1)
		dom, err := conn.LookupDomainByName(name)
		if err != nil {
			return err
		}
		defer func() { _ = dom.Free() }()
		return do(dom)
	})
}
