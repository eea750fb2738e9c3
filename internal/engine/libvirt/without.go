//go:build !cgo || !libvirt_dlopen

// Package libvirt, built without a C compiler or without the tag libvirt_dlopen: everything
// compiles, and every call says what lacks.
package libvirt

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
)

// Available tells whether this program was built with libvirt's binding.
const Available = false

var errNoCgo = hint.Add(errors.New("this program was built without a C compiler and cannot talk to libvirt"),
	"install one (apt-get install gcc libc6-dev) and run it again")

// Conn is never made here.
type Conn struct{}

func Open(string, func() string) (*Conn, error)                               { return nil, errNoCgo }
func (*Conn) Calls() int64                                                    { return 0 }
func (*Conn) Until(context.Context)                                           {}
func (*Conn) Close()                                                          {}
func (*Conn) Version() (major, minor, release uint32, err error)              { return 0, 0, 0, errNoCgo }
func (*Conn) QEMUVersion() (major, minor, release uint32, err error)          { return 0, 0, 0, errNoCgo }
func (*Conn) ProbeKVM(string) error                                           { return errNoCgo }
func (*Conn) NetworkBridge(string) (string, error)                            { return "", errNoCgo }
func (*Conn) HasKVM(string) bool                                              { return false }
func (*Conn) HasUEFI(string) bool                                             { return true }
func (*Conn) Running() (map[string]bool, error)                               { return nil, errNoCgo }
func (*Conn) Domains() (map[string]engine.Domain, error)                      { return nil, errNoCgo }
func (*Conn) Reboots(string) int                                              { return 0 }
func (*Conn) Started(string, time.Time) time.Time                             { return time.Time{} }
func (*Conn) Watch(string) (happened <-chan struct{}, end func())             { return nil, func() {} }
func (*Conn) Lease(string, string) (none netip.Addr)                          { return none }
func (*Conn) AgentAddress(string, string) (none netip.Addr)                   { return none }
func (*Conn) Shutdown(string) error                                           { return errNoCgo }
func (*Conn) Destroy(string) error                                            { return errNoCgo }
func (*Conn) State(string) (engine.State, error)                              { return "", errNoCgo }
func (*Conn) Define(string) (string, error)                                   { return "", errNoCgo }
func (*Conn) Update(string, string) error                                     { return errNoCgo }
func (*Conn) SetVCPUs(string, int) error                                      { return errNoCgo }
func (*Conn) SetMemory(string, int) error                                     { return errNoCgo }
func (*Conn) Start(string) error                                              { return errNoCgo }
func (*Conn) Remove(string, string) error                                     { return errNoCgo }
func (*Conn) Took(string, engine.Metadata) error                              { return errNoCgo }
func (*Conn) Channel(context.Context, string, string) (engine.Channel, error) { return nil, errNoCgo }
func (*Conn) Console(context.Context, string) (engine.Channel, error)         { return nil, errNoCgo }
func (*Conn) Screen(context.Context, string, int64) ([]byte, error)           { return nil, errNoCgo }
