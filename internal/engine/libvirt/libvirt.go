//go:build cgo && libvirt_dlopen

// Package libvirt is libvirt as this project uses it: connections, domains and their channels. It is the only room that
// needs cgo, and loads libvirt.so when it runs: the tag libvirt_dlopen does without libvirt's headers.
//
// Every call goes through one function. It connects again if the daemon has hung up, and tries again if libvirt refuses for the
// moment. So a call must do no harm if it is made twice.
package libvirt

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"coreos-libvirt/internal/engine/libvirt/refusal"

	"libvirt.org/go/libvirt"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt/leases"
	"coreos-libvirt/internal/engine/libvirt/machine"
	"coreos-libvirt/internal/engine/libvirt/pool"
	"coreos-libvirt/internal/engine/libvirt/snapshots"
	"coreos-libvirt/internal/engine/libvirt/volumes"
	"coreos-libvirt/internal/engine/local"
)

// Available reports whether this program was built with libvirt's binding.
const Available = true

// Conn is libvirt, as an engine that runs nodes. All its parts share one connection.
type Conn struct {
	*connection
	*host
	inventory
	changer
	ports
	snapshots.Kept
	leases.On
	machine.Machine
	volumes.Place
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

// shown is the URI without what a user need not see: that ssh asks nobody for a password.
func shown(uri string) string {
	return strings.TrimSuffix(strings.TrimSuffix(uri, "?no_tty=1"), "&no_tty=1")
}

// Open connects to the daemon at uri (https://libvirt.org/uri.html). advice is what to do where that fails, of what libvirt says then.
func Open(uri string, advice func(error) string) (*Conn, error) {
	if err := startEvents(); err != nil {
		return nil, fmt.Errorf("libvirt's event loop does not start: %w", refusal.Plain(err))
	}
	on := &connection{events: newEvents(), dials: uri, uri: shown(uri), advice: advice, until: context.Background()}
	if _, err := on.live(); err != nil {
		return nil, err
	}
	return &Conn{connection: on, Place: volumes.Place{Here: &local.Disks{}}, host: &host{connection: on}, inventory: inventory{on}, changer: changer{on}, ports: ports{on}, Kept: snapshots.Kept{With: on.with, Called: func() { on.calls.Add(1) }}, On: leases.On{Use: on.use}, Machine: machine.Machine{Use: on.use}}, nil
}

// KeepFiles has nodes' files in a storage pool if libvirt runs on another host, or if the user has named a pool. It is called
// before Disks.
func (c *Conn) KeepFiles(o volumes.Options) {
	if where := (engine.Where{URI: c.uri}); where.IsRemote() || o.Pool != "" {
		c.There = volumes.New(pool.New(c.use, c.uri, o.Pool), o)
	}
}

// Library is the version of libvirt.so on this host, 1,000,000 * major + 1,000 * minor + release, or 0 if there is none.
func Library() uint { version, _ := libvirt.GetVersion(); return uint(version) }
