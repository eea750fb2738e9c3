//go:build cgo && libvirt_dlopen

package libvirt

import (
	"sync"
	"time"

	"libvirt.org/go/libvirt"
)

// events are what libvirt says that happens to domains.
type events struct {
	watching sync.Mutex
	watchers map[chan struct{}]string // by whom a domain's events are waited for
	reboots  map[string]reboots       // by domain, since the connection was made first
	started  map[string]time.Time     // when libvirt said that the domain was started
}

func newEvents() *events {
	return &events{watchers: map[chan struct{}]string{}, reboots: map[string]reboots{}, started: map[string]time.Time{}}
}

// listen lets the connection's events reach who waits for them. Drivers inside this process have no
// connection that could be lost: their refusals are of no interest. again makes a connection anew that was lost.
func (e *events) listen(conn *libvirt.Connect, again func()) {
	_ = conn.SetKeepAlive(keepAliveInterval, keepAliveCount)
	_, _ = conn.DomainEventLifecycleRegister(nil, func(_ *libvirt.Connect, dom *libvirt.Domain, event *libvirt.DomainEventLifecycle) {
		if name, err := dom.GetName(); err == nil {
			e.note(name, event)
			e.tell(func(domain string) bool { return domain == name })
		}
	})
	_, _ = conn.DomainEventRebootRegister(nil, func(_ *libvirt.Connect, dom *libvirt.Domain) {
		if name, err := dom.GetName(); err == nil {
			e.watching.Lock()
			e.reboots[name] = e.reboots[name].reset(time.Now())
			e.watching.Unlock()
			e.tell(func(domain string) bool { return domain == name })
		}
	})
	_ = conn.RegisterCloseCallback(func(*libvirt.Connect, libvirt.ConnectCloseReason) {
		go func() { // the event loop must go on
			again()
			e.tell(func(string) bool { return true }) // who knows what happened in between
		}()
	})
}

// oneReboot is how long the resets of one reboot may take to come: libvirt reports each, and Linux with SeaBIOS makes three
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
// end is called: libvirt reported it, or could not while its daemon was away.
func (e *events) Watch(domain string) (happened <-chan struct{}, end func()) {
	e.watching.Lock()
	defer e.watching.Unlock()
	watcher := make(chan struct{}, 1)
	e.watchers[watcher] = domain
	return watcher, func() {
		e.watching.Lock()
		defer e.watching.Unlock()
		delete(e.watchers, watcher)
	}
}

func (e *events) note(domain string, event *libvirt.DomainEventLifecycle) {
	if event.Event == libvirt.DOMAIN_EVENT_STARTED {
		e.watching.Lock()
		defer e.watching.Unlock()
		e.started[domain] = time.Now()
	}
}

// Started is when libvirt said that the domain was started, since a time; now if it has not yet.
func (e *events) Started(domain string, since time.Time) time.Time {
	e.watching.Lock()
	defer e.watching.Unlock()
	if at := e.started[domain]; at.After(since) {
		return at
	}
	return time.Now()
}

// Reboots is how often libvirt said that the domain began its boot again, without being started.
func (e *events) Reboots(domain string) int {
	e.watching.Lock()
	defer e.watching.Unlock()
	return e.reboots[domain].count
}

func (e *events) tell(concerned func(domain string) bool) {
	e.watching.Lock()
	defer e.watching.Unlock()
	for watcher, domain := range e.watchers {
		if !concerned(domain) {
			continue
		}
		select {
		case watcher <- struct{}{}:
		default: // it has not looked yet since the last time
		}
	}
}
