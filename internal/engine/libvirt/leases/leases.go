//go:build cgo && libvirt_dlopen

// Package leases keeps notes in libvirt, each of one client at a time. A note is a network that is defined and never started: libvirt
// refuses a second one of the same name and another UUID, in one step, whatever client asks.
package leases

import (
	"fmt"

	"coreos-libvirt/internal/engine/libvirt/refusal"

	"libvirt.org/go/libvirt"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt/domainxml"
)

// On are the notes in one libvirt.
type On struct {
	Use func(do func(*libvirt.Connect) error) error // does something with the connection, if need be twice
}

// PutLease defines the network, or defines it again with another text.
func (o On) PutLease(name string, lease engine.Lease) error {
	text, err := domainxml.Lease(name, lease)
	if err != nil {
		return err
	}
	err = o.Use(func(conn *libvirt.Connect) error {
		network, err := conn.NetworkDefineXML(text)
		if err == nil {
			_ = network.Free()
		}
		return err
	})
	if err == nil {
		return nil
	}
	if other, there, failed := o.LeaseOf(name); failed == nil && there && other.ID != lease.ID {
		return engine.ErrLeased
	}
	return fmt.Errorf("libvirt does not note who changes the cluster: %w", refusal.Plain(err))
}

// LeaseOf reads the network's definition.
func (o On) LeaseOf(name string) (lease engine.Lease, there bool, err error) {
	err = o.Use(func(conn *libvirt.Connect) error {
		network, err := conn.LookupNetworkByName(name)
		if err != nil {
			return err
		}
		defer func() { _ = network.Free() }()
		text, err := network.GetXMLDesc(0)
		if err == nil {
			lease, err = domainxml.ParseLease(text)
		}
		return err
	})
	if refusal.Is(err, libvirt.ERR_NO_NETWORK) {
		return lease, false, nil
	}
	if err != nil {
		err = fmt.Errorf("libvirt does not say who changes the cluster: %w", refusal.Plain(err))
	}
	return lease, err == nil, err
}

// DropLease undefines the network.
func (o On) DropLease(id string) error {
	err := o.Use(func(conn *libvirt.Connect) error {
		network, err := conn.LookupNetworkByUUIDString(id)
		if err != nil {
			return err
		}
		defer func() { _ = network.Free() }()
		return network.Undefine()
	})
	if err == nil || refusal.Is(err, libvirt.ERR_NO_NETWORK) {
		return nil
	}
	return fmt.Errorf("libvirt does not forget who changed the cluster: %w", refusal.Plain(err))
}
