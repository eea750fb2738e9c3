package networkmanager

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"

	"github.com/godbus/dbus/v5"
)

// document is a profile as D-Bus has it: settings by group and key.
type document = map[string]map[string]dbus.Variant

// Stored is a profile in the record: each setting in D-Bus' text format, with its signature.
type Stored map[string]map[string][2]string

// legacy are settings that address-data and route-data say, too, in structures that D-Bus' text format does not
// bring back.
func legacy(group, key string) bool {
	return (group == "ipv4" || group == "ipv6") && (key == "addresses" || key == "routes")
}

func store(d document) Stored {
	s := Stored{}
	for group, keys := range d {
		s[group] = map[string][2]string{}
		for key, value := range keys {
			if legacy(group, key) {
				continue
			}
			s[group][key] = [2]string{value.Signature().String(), value.String()}
		}
	}
	return s
}

func (s Stored) document() (document, error) {
	d := document{}
	for group, keys := range s {
		d[group] = map[string]dbus.Variant{}
		for key, pair := range keys {
			if legacy(group, key) {
				continue // of a record of an earlier version
			}
			signature, err := dbus.ParseSignature(pair[0])
			if err != nil {
				return nil, fmt.Errorf("%s.%s: %w", group, key, err)
			}
			if d[group][key], err = dbus.ParseVariant(pair[1], signature); err != nil {
				return nil, fmt.Errorf("%s.%s: %w", group, key, err)
			}
		}
	}
	return d, nil
}

// first is the highest autoconnect-priority that there is: at the next boot the card becomes a port of the
// bridge again, though its former profile is as it was and wants it too.
const first = int32(999)

// bridge is the profile of the bridge: the card's hardware address, so that the DHCP server gives the
// card's address, and the IP settings of the card's former profile.
func (b Bridge) bridge(former document, mac net.HardwareAddr) document {
	d := document{
		"connection": {
			"id": dbus.MakeVariant("coreos-libvirt " + b.Name), "uuid": dbus.MakeVariant(b.Profile), "type": dbus.MakeVariant("bridge"),
			"interface-name": dbus.MakeVariant(b.Name), "autoconnect-priority": dbus.MakeVariant(first),
			"autoconnect-slaves": dbus.MakeVariant(int32(1)),
		},
		"bridge": {"stp": dbus.MakeVariant(false), "mac-address": dbus.MakeVariant([]byte(mac))},
		"ipv4":   {"method": dbus.MakeVariant("auto")},
		"ipv6":   {"method": dbus.MakeVariant("auto")},
	}
	for _, group := range []string{"ipv4", "ipv6", "proxy"} {
		if former[group] == nil {
			continue
		}
		d[group] = maps.Clone(former[group])
		maps.DeleteFunc(d[group], func(key string, _ dbus.Variant) bool { return legacy(group, key) })
	}
	for _, key := range []string{"zone", "metered", "mdns", "llmnr", "dns-over-tls"} {
		if value, ok := former["connection"][key]; ok {
			d["connection"][key] = value
		}
	}
	return d
}

// port is the profile of the card as the bridge's port, with what belongs to the wire.
func (b Bridge) port(former document) document {
	d := document{
		"connection": {
			"id": dbus.MakeVariant("coreos-libvirt " + b.Name + " port " + b.NIC), "uuid": dbus.MakeVariant(b.Port),
			"type": dbus.MakeVariant("802-3-ethernet"), "interface-name": dbus.MakeVariant(b.NIC),
			"autoconnect-priority": dbus.MakeVariant(first), "master": dbus.MakeVariant(b.Profile), "slave-type": dbus.MakeVariant("bridge"),
		},
		"802-3-ethernet": {},
	}
	for _, group := range []string{"802-3-ethernet", "802-1x", "ethtool"} {
		if former[group] != nil {
			d[group] = maps.Clone(former[group])
		}
	}
	return d
}

// read is the profile's settings, with the secrets that the wire itself needs.
func (m *Manager) read(ctx context.Context, at dbus.ObjectPath) (document, error) {
	d := document{}
	if err := m.call(ctx, at, profile+".GetSettings").Store(&d); err != nil {
		return nil, fmt.Errorf("NetworkManager does not show the profile %s: %w", at, err)
	}
	if d["802-1x"] != nil {
		secrets := document{}
		if err := m.call(ctx, at, profile+".GetSecrets", "802-1x").Store(&secrets); err != nil {
			return nil, fmt.Errorf("NetworkManager does not give the 802.1X secrets of %s: %w", at, err)
		}
		maps.Copy(d["802-1x"], secrets["802-1x"])
	}
	return d, nil
}

// byUUID is the profile of that UUID, or none where NetworkManager says that it has none.
func (m *Manager) byUUID(ctx context.Context, uuid string) (dbus.ObjectPath, error) {
	at := none
	err := m.call(ctx, root+"/Settings", settings+".GetConnectionByUuid", uuid).Store(&at)
	var answer dbus.Error
	if errors.As(err, &answer) && answer.Name == settings+".InvalidConnection" {
		return none, nil
	}
	if err != nil {
		return none, fmt.Errorf("NetworkManager does not show the profile %s: %w", uuid, err)
	}
	return at, nil
}

// Flags of AddConnection2 and Update2 (NMSettingsAddConnection2Flags).
const (
	toDisk           uint32 = 0x1
	inMemory         uint32 = 0x2
	blockAutoconnect uint32 = 0x20
)

func (m *Manager) add(ctx context.Context, d document, flags uint32) (dbus.ObjectPath, error) {
	var at dbus.ObjectPath
	var result map[string]dbus.Variant
	err := m.call(ctx, root+"/Settings", settings+".AddConnection2", d, flags, map[string]dbus.Variant{}).Store(&at, &result)
	if err != nil {
		return none, fmt.Errorf("NetworkManager does not take the profile %s: %w", d["connection"]["id"], err)
	}
	return at, nil
}

// save writes a profile that was in memory to /etc/NetworkManager/system-connections.
func (m *Manager) save(ctx context.Context, at dbus.ObjectPath) error {
	var result map[string]dbus.Variant
	return m.call(ctx, at, profile+".Update2", document{}, toDisk, map[string]dbus.Variant{}).Store(&result)
}

func (m *Manager) delete(ctx context.Context, uuid string) error {
	at, err := m.byUUID(ctx, uuid)
	if err != nil || at == none {
		return err
	}
	return m.call(ctx, at, profile+".Delete").Err
}
