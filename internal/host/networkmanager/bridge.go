package networkmanager

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"coreos-libvirt/internal/terminal/hint"
)

// Bridge is a bridge over a network card. It is all that taking it back needs.
type Bridge struct {
	Name, NIC     string
	Profile, Port string // UUIDs of the two profiles
	Former        string // UUID of the profile that the card had, or empty
	FormerID      string
	Settings      Stored // of that profile
	Volatile      bool   // whether that profile is in memory only
}

// Plan is the bridge over the card, with UUIDs that are not in use yet. It changes nothing.
func (m *Manager) Plan(ctx context.Context, bridge, nic string, uuid func() string) (Bridge, error) {
	b := Bridge{Name: bridge, NIC: nic, Profile: uuid(), Port: uuid()}
	d, err := m.Device(ctx, nic)
	if err == nil {
		err = d.Bridgeable()
	}
	if err != nil || d.former == "" {
		return b, err
	}
	former := document{}
	if err := m.call(ctx, d.former, profile+".GetSettings").Store(&former); err != nil { // without secrets
		return b, err
	}
	b.Settings = store(former)
	b.Former, _ = former["connection"]["uuid"].Value().(string)
	b.FormerID, _ = former["connection"]["id"].Value().(string)
	var file string
	err = m.get(ctx, d.former, profile, "Filename", &file)
	b.Volatile = !strings.HasPrefix(file, "/etc/") // NetworkManager's own profile of a new card is below /run
	return b, err
}

// deleteNewConnections is a flag of CheckpointCreate (NMCheckpointCreateFlags). With its profile the bridge
// goes, too.
const deleteNewConnections uint32 = 0x2

// checkpoint runs change. NetworkManager takes it back when change fails, and by itself when after the time
// rollback nobody has said that all is well: this process may be gone by then, or its terminal cut off.
func (m *Manager) checkpoint(ctx context.Context, rollback time.Duration, devices []dbus.ObjectPath, change func() error) error {
	var at dbus.ObjectPath
	seconds := uint32(max(rollback/time.Second, 1)) //nolint:gosec // a positive duration of seconds
	err := m.call(ctx, root, name+".CheckpointCreate", devices, seconds, deleteNewConnections).Store(&at)
	if err != nil {
		return hint.Errorf("wait until NetworkManager has destroyed an earlier one", "NetworkManager makes no checkpoint: %w", err)
	}
	if err = change(); err == nil {
		if err = m.call(ctx, root, name+".CheckpointDestroy", at).Err; err == nil {
			return nil
		}
	}
	results := map[string]uint32{}
	back, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollback)
	defer cancel()
	if undone := m.call(back, root, name+".CheckpointRollback", at).Store(&results); undone != nil {
		return fmt.Errorf("%w; NetworkManager takes it back within %s (%w)", err, rollback, undone)
	}
	return fmt.Errorf("%w; NetworkManager has taken it back", err)
}

// margin is what is left of the time to roll back when waiting ends, so that the end is one of the two.
const margin = 0.75

// Make makes the bridge, for which there says when it carries what the card did. The former profile is
// not touched. The new ones are in memory until all is well: a power cut before that leaves nothing.
func (m *Manager) Make(ctx context.Context, b Bridge, rollback time.Duration, there func() error) error {
	d, err := m.Device(ctx, b.NIC)
	if err != nil {
		return err
	}
	former := document{}
	if d.former != "" {
		if former, err = m.read(ctx, d.former); err != nil {
			return err
		}
	}
	mac, err := net.ParseMAC(d.MAC)
	if err != nil {
		return fmt.Errorf("%s: %w", b.NIC, err)
	}
	patience := time.Duration(float64(rollback) * margin)
	return m.checkpoint(ctx, rollback, []dbus.ObjectPath{d.path}, func() error {
		added, carrier, err := m.raise(ctx, d, b.bridge(former, mac), b.port(former))
		if err != nil {
			return err
		}
		if err := await(ctx, patience, there, func() error { return m.ended(ctx, carrier) }); err != nil {
			return fmt.Errorf("the bridge %s does not carry what %s did: %w", b.Name, b.NIC, err)
		}
		return errors.Join(m.save(ctx, added[0]), m.save(ctx, added[1]))
	})
}

// raise adds the profiles of the bridge and of its port, and activates both.
func (m *Manager) raise(ctx context.Context, d Device, bridge, port document) (added [2]dbus.ObjectPath, carrier dbus.ObjectPath, err error) {
	for i, document := range []document{bridge, port} {
		if added[i], err = m.add(ctx, document, inMemory|blockAutoconnect); err != nil {
			return added, none, err
		}
	}
	if _, err = m.activate(ctx, added[0], none); err != nil {
		return added, none, err
	}
	carrier, err = m.activate(ctx, added[1], d.path)
	return added, carrier, err
}

func (m *Manager) activate(ctx context.Context, what, on dbus.ObjectPath) (dbus.ObjectPath, error) {
	var at dbus.ObjectPath
	if err := m.call(ctx, root, name+".ActivateConnection", what, on, none).Store(&at); err != nil {
		return none, fmt.Errorf("NetworkManager does not activate a profile: %w", err)
	}
	return at, nil
}

// deactivating is the first of the states that an active connection does not come back from
// (NMActiveConnectionState).
const deactivating uint32 = 3

// ended tells that an activation has failed.
func (m *Manager) ended(ctx context.Context, activation dbus.ObjectPath) error {
	var state uint32
	if err := m.get(ctx, activation, active, "State", &state); err != nil || state >= deactivating {
		return errors.New("NetworkManager has given the activation up")
	}
	return nil
}

// Undo gives the card its former profile back and deletes the two. It succeeds if there is nothing to do.
func (m *Manager) Undo(ctx context.Context, b Bridge, rollback time.Duration, there func() error) error {
	bridge, failed := m.byUUID(ctx, b.Profile)
	port, err := m.byUUID(ctx, b.Port)
	if err = errors.Join(failed, err); err != nil || bridge == none && port == none {
		return err // or NetworkManager has taken it back by itself
	}
	d, err := m.Device(ctx, b.NIC)
	if err != nil {
		return errors.Join(err, m.delete(ctx, b.Port), m.delete(ctx, b.Profile)) // the card was taken out
	}
	devices := []dbus.ObjectPath{d.path}
	if bridge, err := m.Device(ctx, b.Name); err == nil {
		devices = append(devices, bridge.path)
	}
	return m.checkpoint(ctx, rollback, devices, func() error {
		former, err := m.restored(ctx, b)
		if err != nil || former == none {
			return errors.Join(err, m.delete(ctx, b.Port), m.delete(ctx, b.Profile))
		}
		activation, err := m.activate(ctx, former, d.path)
		if err != nil {
			return err
		}
		if err := errors.Join(m.delete(ctx, b.Port), m.delete(ctx, b.Profile)); err != nil {
			return err
		}
		patience := time.Duration(float64(rollback) * margin)
		if err := await(ctx, patience, there, func() error { return m.ended(ctx, activation) }); err != nil {
			return fmt.Errorf("%s does not come back: %w", b.NIC, err)
		}
		return nil
	})
}

// restored is the former profile, made again where it is gone, as NetworkManager's own is after a reboot.
func (m *Manager) restored(ctx context.Context, b Bridge) (dbus.ObjectPath, error) {
	if b.Former == "" {
		return none, nil
	}
	if at, err := m.byUUID(ctx, b.Former); err != nil || at != none {
		return at, err
	}
	d, err := b.Settings.document()
	if err != nil {
		return none, fmt.Errorf("the record of the profile %s: %w", b.FormerID, err)
	}
	flags := toDisk
	if b.Volatile {
		flags = inMemory
	}
	return m.add(ctx, d, flags|blockAutoconnect)
}
