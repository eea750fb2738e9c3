//go:build !cgo || !libvirt_dlopen

// Package libvirt, built without a C compiler or without the tag libvirt_dlopen: everything
// compiles, and every call says what is missing.
package libvirt

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt/leases"
	"coreos-libvirt/internal/engine/libvirt/machine"
	"coreos-libvirt/internal/engine/libvirt/snapshots"
	"coreos-libvirt/internal/engine/libvirt/volumes"
	"coreos-libvirt/internal/terminal/hint"
)

// Available reports whether this program was built with libvirt's binding.
const Available = false

var errNoCgo = hint.Add(errors.New("this program was built without a C compiler and cannot talk to libvirt"),
	"install one (apt-get install gcc libc6-dev) and run it again")

// Conn is never made here.
type Conn struct {
	connection
	host
	inventory
	changer
	ports
	snapshots.Kept
	leases.On
	machine.Machine
	volumes.Place
}

type (
	connection struct{}
	host       struct{}
	inventory  struct{}
	changer    struct{}
	ports      struct{}
)

func Open(string, func(error) string) (*Conn, error)                          { return nil, errNoCgo }
func (*Conn) KeepFiles(volumes.Options)                                       {}
func (*Conn) Define(string) (string, error)                                   { return "", errNoCgo }
func (*Conn) Remove(string, ...string) error                                  { return errNoCgo }
func (*Conn) Start(string) error                                              { return errNoCgo }
func (*Conn) Shutdown(string) error                                           { return errNoCgo }
func (*Conn) Destroy(string) error                                            { return errNoCgo }
func (connection) Calls() int64                                               { return 0 }
func (connection) Until(context.Context)                                      {}
func (connection) Close()                                                     {}
func (connection) Reboots(string) int                                         { return 0 }
func (connection) Started(string, time.Time) time.Time                        { return time.Time{} }
func (connection) Watch(string) (happened <-chan struct{}, end func())        { return nil, func() {} }
func (host) Version() (major, minor, release uint32, err error)               { return 0, 0, 0, errNoCgo }
func (host) QEMUVersion() (major, minor, release uint32, err error)           { return 0, 0, 0, errNoCgo }
func (host) Probe(string, string, string) error                               { return errNoCgo }
func (host) NetworkBridge(string) (string, error)                             { return "", errNoCgo }
func (host) Reserved(string, string) (none netip.Addr)                        { return none }
func (host) HasKVM(string) bool                                               { return false }
func (host) HasUEFI(string) bool                                              { return true }
func (inventory) Running() (map[string]bool, error)                           { return nil, errNoCgo }
func (inventory) Domains() (map[string]engine.Domain, error)                  { return nil, errNoCgo }
func (inventory) Defined() (map[string]engine.Domain, error)                  { return nil, errNoCgo }
func (inventory) State(string) (engine.State, error)                          { return "", errNoCgo }
func (inventory) Reason(string) (string, error)                               { return "", errNoCgo }
func (inventory) Lease(string, string) (none netip.Addr)                      { return none }
func (inventory) AgentAddress(string, string) (none netip.Addr)               { return none }
func (changer) Update(string, string) error                                   { return errNoCgo }
func (changer) Attach(string, string) error                                   { return errNoCgo }
func (changer) Resize(string, string, int) error                              { return errNoCgo }
func (changer) SetVCPUs(string, int) error                                    { return errNoCgo }
func (changer) SetMemory(string, int) error                                   { return errNoCgo }
func (changer) Took(string, engine.Metadata) error                            { return errNoCgo }
func (changer) Mark(string, engine.Metadata) (string, error)                  { return "", errNoCgo }
func (changer) Autostart(string) (bool, error)                                { return false, errNoCgo }
func (changer) SetAutostart(string) error                                     { return errNoCgo }
func (ports) Channel(context.Context, string, string) (engine.Channel, error) { return nil, errNoCgo }
func (ports) Console(context.Context, string) (engine.Channel, error)         { return nil, errNoCgo }
func (ports) Screen(context.Context, string, int64) ([]byte, error)           { return nil, errNoCgo }
func Library() uint                                                           { return 0 }
