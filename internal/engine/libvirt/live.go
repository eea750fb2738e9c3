//go:build cgo && libvirt_dlopen

package libvirt

import (
	"errors"
	"strings"
	"time"

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

// use does something with the connection. Where the daemon has hung up, it is done again on a new connection;
// so it must do no harm twice. What libvirt refuses for the moment only is tried again, too.
func (c *Conn) use(do func(*libvirt.Connect) error) error {
	_, err := backoff.Retry(c.waits(), func() (struct{}, error) {
		conn, err := c.live()
		if err != nil {
			return struct{}{}, err
		}
		c.calls.Add(1)
		if err = do(conn); err != nil && !transient(err) && !dead(conn) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(backoff.NewConstantBackOff(retryEvery)), backoff.WithMaxElapsedTime(restartPatience))
	return err
}

// live is the connection, made anew where it is dead. The dead one is left to its last users: they may be
// in the middle of a call.
func (c *Conn) live() (*libvirt.Connect, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.c != nil && !dead(c.c) {
		return c.c, nil
	}
	conn, err := libvirt.NewConnect(c.uri)
	if err != nil {
		return nil, hint.Errorf(c.advice(), "no libvirt at uri=%s: %w", c.uri, plain(err))
	}
	c.listen(conn)
	c.c = conn
	return conn, nil
}

// listen lets the connection's events reach who waits for them. Drivers inside this process have no
// connection that could be lost: their refusals are of no interest.
func (c *Conn) listen(conn *libvirt.Connect) {
	_ = conn.SetKeepAlive(keepAliveInterval, keepAliveCount)
	_, _ = conn.DomainEventLifecycleRegister(nil, func(_ *libvirt.Connect, dom *libvirt.Domain, event *libvirt.DomainEventLifecycle) {
		if name, err := dom.GetName(); err == nil {
			c.note(name, event)
			c.tell(func(domain string) bool { return domain == name })
		}
	})
	_, _ = conn.DomainEventRebootRegister(nil, func(_ *libvirt.Connect, dom *libvirt.Domain) {
		if name, err := dom.GetName(); err == nil {
			c.watching.Lock()
			c.reboots[name] = c.reboots[name].reset(time.Now())
			c.watching.Unlock()
			c.tell(func(domain string) bool { return domain == name })
		}
	})
	_ = conn.RegisterCloseCallback(func(*libvirt.Connect, libvirt.ConnectCloseReason) {
		go func() { // the event loop must go on
			_ = c.use(func(*libvirt.Connect) error { return nil })
			c.tell(func(string) bool { return true }) // who knows what happened in between
		}()
	})
}

// oneReboot is how long the resets of one reboot may take to come: libvirt tells of each, and Linux with SeaBIOS makes three
// of one reboot, within half a second (QEMU 7.2, q35).
const oneReboot = 2 * time.Second

// reboots are how often a domain began its boot again.
type reboots struct {
	count int
	last  time.Time
}

// reset counts a reset, unless it belongs to the reboot that was counted last.
func (r reboots) reset(at time.Time) reboots {
	if at.Sub(r.last) < oneReboot {
		return r
	}
	return reboots{r.count + 1, at}
}

// Watch gives a channel that has a value when something may have happened to the domain, from now until
// end is called: libvirt told of it, or could not while its daemon was away.
func (c *Conn) Watch(domain string) (happened <-chan struct{}, end func()) {
	c.watching.Lock()
	defer c.watching.Unlock()
	watcher := make(chan struct{}, 1)
	c.watchers[watcher] = domain
	return watcher, func() {
		c.watching.Lock()
		defer c.watching.Unlock()
		delete(c.watchers, watcher)
	}
}

func (c *Conn) note(domain string, event *libvirt.DomainEventLifecycle) {
	if event.Event == libvirt.DOMAIN_EVENT_STARTED {
		c.watching.Lock()
		defer c.watching.Unlock()
		c.started[domain] = time.Now()
	}
}

// Started is when libvirt told that the domain was started, since a time; now where it has not yet.
func (c *Conn) Started(domain string, since time.Time) time.Time {
	c.watching.Lock()
	defer c.watching.Unlock()
	if at := c.started[domain]; at.After(since) {
		return at
	}
	return time.Now()
}

// Reboots is how often libvirt told that the domain began its boot again, without being started.
func (c *Conn) Reboots(domain string) int {
	c.watching.Lock()
	defer c.watching.Unlock()
	return c.reboots[domain].count
}

func (c *Conn) tell(concerned func(domain string) bool) {
	c.watching.Lock()
	defer c.watching.Unlock()
	for watcher, domain := range c.watchers {
		if !concerned(domain) {
			continue
		}
		select {
		case watcher <- struct{}{}:
		default: // it has not looked yet since the last time
		}
	}
}

func dead(conn *libvirt.Connect) bool {
	alive, err := conn.IsAlive()
	return err != nil || !alive
}

// transient tells whether libvirt refuses something that it will take a little later: another call is at
// the domain, or a storage pool has jobs of its own running.
func transient(err error) bool {
	for _, code := range []libvirt.ErrorNumber{libvirt.ERR_OPERATION_TIMEOUT, libvirt.ERR_RESOURCE_BUSY} {
		if is(err, code) {
			return true
		}
	}
	var e libvirt.Error
	return errors.As(err, &e) && strings.Contains(e.Message, "asynchronous jobs running")
}
