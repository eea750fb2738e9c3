// Package networkmanager makes a bridge over a network card by NetworkManager's D-Bus API, so that a change
// that cuts the host off is taken back by NetworkManager itself.
package networkmanager

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/godbus/dbus/v5"

	"coreos-libvirt/internal/terminal/hint"
)

// NetworkManager's names on the bus (https://networkmanager.dev/docs/api/latest/spec.html).
const (
	name       = "org.freedesktop.NetworkManager"
	device     = name + ".Device"
	active     = name + ".Connection.Active"
	settings   = name + ".Settings"
	profile    = name + ".Settings.Connection"
	properties = "org.freedesktop.DBus.Properties"
	root       = dbus.ObjectPath("/org/freedesktop/NetworkManager")
	none       = dbus.ObjectPath("/") // the null path
)

// Manager is a connection to NetworkManager.
type Manager struct{ bus *dbus.Conn }

// ErrAbsent says that no NetworkManager answers.
var ErrAbsent = errors.New("no NetworkManager answers on the system bus")

// Connect asks for NetworkManager on the system bus, which is at socket. It starts none.
func Connect(ctx context.Context, socket string) (*Manager, error) {
	bus, err := dbus.Connect("unix:path="+socket, dbus.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAbsent, err)
	}
	has := false
	err = bus.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, name).Store(&has)
	if err != nil || !has {
		_ = bus.Close()
		return nil, errors.Join(ErrAbsent, err)
	}
	return &Manager{bus}, nil
}

// Close ends the connection.
func (m *Manager) Close() { _ = m.bus.Close() }

func (m *Manager) call(ctx context.Context, at dbus.ObjectPath, method string, args ...any) *dbus.Call {
	return m.bus.Object(name, at).CallWithContext(ctx, method, 0, args...)
}

// get stores the property of the object in value.
func (m *Manager) get(ctx context.Context, at dbus.ObjectPath, face, property string, value any) error {
	var v dbus.Variant
	if err := m.call(ctx, at, properties+".Get", face, property).Store(&v); err != nil {
		return fmt.Errorf("NetworkManager does not say %s of %s: %w", property, at, err)
	}
	return v.Store(value)
}

// Kinds of devices (NMDeviceType).
const (
	ethernet uint32 = 1
	wifi     uint32 = 2
	veth     uint32 = 20
)

// Device is a network card as NetworkManager knows it.
type Device struct {
	Name    string
	MAC     string
	Managed bool
	path    dbus.ObjectPath
	kind    uint32
	former  dbus.ObjectPath // its active profile, or none
}

// Device looks the network card up.
func (m *Manager) Device(ctx context.Context, nic string) (Device, error) {
	d := Device{Name: nic}
	if err := m.call(ctx, root, name+".GetDeviceByIpIface", nic).Store(&d.path); err != nil {
		return d, fmt.Errorf("NetworkManager knows no device %s: %w", nic, err)
	}
	var connection dbus.ObjectPath
	err := errors.Join(
		m.get(ctx, d.path, device, "Managed", &d.Managed),
		m.get(ctx, d.path, device, "DeviceType", &d.kind),
		m.get(ctx, d.path, device, "HwAddress", &d.MAC),
		m.get(ctx, d.path, device, "ActiveConnection", &connection))
	if err == nil && connection != none {
		err = m.get(ctx, connection, active, "Connection", &d.former)
	}
	return d, err
}

// Bridgeable is why a bridge cannot have the card as its port.
func (d Device) Bridgeable() error {
	switch d.kind {
	case ethernet, veth:
		return nil
	case wifi:
		return WiFi(d.Name)
	}
	return hint.Errorf("nic= names an Ethernet card; over a bond, a team or a VLAN make the bridge by hand and name it with bridge=",
		"%s is not an Ethernet card (NetworkManager's device type %d)", d.Name, d.kind)
}

// WiFi is the error for a Wi-Fi card that is to be a port: an access point takes frames only of the stations
// that it knows, so those of guests are lost.
func WiFi(nic string) error {
	return hint.Errorf("network=default puts the nodes behind libvirt's NAT; with a wired card beside it, nic=<card> makes the bridge over that one, direct=<card> does without a bridge",
		"%s is Wi-Fi, which cannot be a port of a bridge: an access point takes no frames of guests behind a station", nic)
}

// poll is how often NetworkManager is asked how far it is.
const poll = 100 * time.Millisecond

// await asks there until it is content, gone says that it never will be, or patience has ended.
func await(ctx context.Context, patience time.Duration, there, gone func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := there()
		if err == nil {
			return nil
		}
		if dead := gone(); dead != nil {
			return fmt.Errorf("%w (%w)", dead, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("after %s: %w", patience, err)
		case <-time.After(poll):
		}
	}
}
