//go:build cgo && libvirt_dlopen

// Package libvirt is libvirt as this project uses it: connections, domains and their channels. It is the only room that
// needs cgo, and loads libvirt.so when it runs: the tag libvirt_dlopen does without libvirt's headers.
package libvirt

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"libvirt.org/go/libvirt"

	"coreos-libvirt/internal/engine/libvirt/domainxml"
)

// Available tells whether this program was built with libvirt's binding.
const Available = true

// Conn is a connection to a libvirt daemon. Where the daemon is restarted it is made anew.
type Conn struct {
	uri    string
	advice func() string // for who gets no connection

	mu    sync.Mutex // of c and until
	c     *libvirt.Connect
	until context.Context // ends what calls wait for

	kvm   sync.Map     // what HasKVM has found, by architecture
	uefi  sync.Map     // what HasUEFI has found, by architecture
	calls atomic.Int64 // of libvirt's, that go to the daemon

	watching sync.Mutex
	watchers map[chan struct{}]string // by whom a domain's events are waited for
	reboots  map[string]reboots       // by domain, since the connection was made first
	started  map[string]time.Time     // when libvirt told that the domain was started
}

// startEvents runs libvirt's event loop, without which streams receive nothing. It must be there
// before the first connection (https://libvirt.org/html/libvirt-libvirt-event.html).
var startEvents = sync.OnceValue(func() error {
	if err := libvirt.EventRegisterDefaultImpl(); err != nil {
		return err
	}
	go func() {
		for libvirt.EventRunDefaultImpl() == nil {
		}
	}()
	return nil
})

// Open connects to the daemon at uri (https://libvirt.org/uri.html). advice is what to do where that fails.
func Open(uri string, advice func() string) (*Conn, error) {
	if err := startEvents(); err != nil {
		return nil, fmt.Errorf("libvirt's event loop does not start: %w", plain(err))
	}
	c := &Conn{uri: uri, advice: advice, until: context.Background(), watchers: map[chan struct{}]string{}, reboots: map[string]reboots{}, started: map[string]time.Time{}}
	if _, err := c.live(); err != nil {
		return nil, err
	}
	return c, nil
}

// Until has calls wait no longer than ctx lives, for a daemon that is away or refuses for the moment.
func (c *Conn) Until(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = ctx
}

func (c *Conn) waits() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.until
}

// Calls is how many calls of libvirt's were made so far that go to the daemon.
func (c *Conn) Calls() int64 { return c.calls.Load() }

// Close ends the connection.
func (c *Conn) Close() {
	_ = c.c.UnregisterCloseCallback()
	_, _ = c.c.Close()
}

// plain makes libvirt's error read as a sentence: its message without codes and domains.
func plain(err error) error {
	var e libvirt.Error
	if errors.As(err, &e) {
		return errors.New(e.Message)
	}
	return err
}

func is(err error, code libvirt.ErrorNumber) bool {
	var e libvirt.Error
	return errors.As(err, &e) && e.Code == code
}

// HasKVM tells whether libvirt offers domains of the type kvm for arch (x86_64, aarch64). A KVM that
// is offered may still fail when a domain starts.
func (c *Conn) HasKVM(arch string) bool {
	if has, known := c.kvm.Load(arch); known {
		return has.(bool)
	}
	err := c.use(func(conn *libvirt.Connect) error {
		_, err := conn.GetDomainCapabilities("", arch, "", "kvm", 0)
		return err
	})
	if err == nil || definite(err) {
		c.kvm.Store(arch, err == nil)
	}
	return err == nil
}

// HasUEFI tells whether libvirt finds a UEFI for domains of arch (x86_64, aarch64). Where it does not tell, it may.
func (c *Conn) HasUEFI(arch string) bool {
	if has, known := c.uefi.Load(arch); known {
		return has.(bool)
	}
	machine := "q35"
	if arch == "aarch64" {
		machine = "virt"
	}
	has := true
	err := c.use(func(conn *libvirt.Connect) error {
		text, err := conn.GetDomainCapabilities("", arch, machine, "", 0)
		if err == nil {
			has, err = domainxml.OffersUEFI(text)
		}
		return err
	})
	if err == nil || definite(err) {
		c.uefi.Store(arch, has)
	}
	return has
}

// definite tells whether libvirt has answered that it does not do something, rather than not answered.
func definite(err error) bool {
	return is(err, libvirt.ERR_INVALID_ARG) || is(err, libvirt.ERR_CONFIG_UNSUPPORTED) || is(err, libvirt.ERR_NO_SUPPORT) || is(err, libvirt.ERR_OPERATION_UNSUPPORTED)
}

// Version is the daemon's, as three numbers: 9.0.0.
func (c *Conn) Version() (major, minor, release uint32, err error) {
	return c.version((*libvirt.Connect).GetLibVersion)
}

// QEMUVersion is that of the driver's own program.
func (c *Conn) QEMUVersion() (major, minor, release uint32, err error) {
	return c.version((*libvirt.Connect).GetVersion)
}

func (c *Conn) version(get func(*libvirt.Connect) (uint32, error)) (major, minor, release uint32, err error) {
	var v uint32
	err = c.use(func(conn *libvirt.Connect) (err error) {
		v, err = get(conn)
		return err
	})
	if err != nil {
		return 0, 0, 0, plain(err)
	}
	return v / 1000000, v / 1000 % 1000, v % 1000, nil
}
