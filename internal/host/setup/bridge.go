package setup

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/host/networkmanager"
	"coreos-libvirt/internal/terminal/hint"
)

const systemBus = "run/dbus/system_bus_socket"

// ManagedBridge is a bridge that NetworkManager makes.
type ManagedBridge struct {
	networkmanager.Bridge
}

// Do makes it, with what the card carries now as what it must carry.
func (b *ManagedBridge) Do(ctx context.Context, m Machine) error {
	manager, err := networkmanager.Connect(ctx, m.path(systemBus))
	if err != nil {
		return err
	}
	defer manager.Close()
	carried := m.Root.Uplink(b.NIC)
	m.Say("%s: the network is away for a moment; if the bridge does not carry it, NetworkManager takes all back within %s", b.Name, m.Rollback)
	return manager.Make(ctx, b.Bridge, m.Rollback, func() error { return m.Root.Carries(b.Name, carried) })
}

// Undo gives the card its former profile back.
func (b *ManagedBridge) Undo(ctx context.Context, m Machine) error {
	manager, err := networkmanager.Connect(ctx, m.path(systemBus))
	if err != nil {
		return err
	}
	defer manager.Close()
	carried := m.Root.Uplink(b.Name)
	return manager.Undo(ctx, b.Bridge, m.Rollback, func() error { return m.Root.Carries(b.NIC, carried) })
}

// bridge plans the bridge, by whoever manages the card.
func (m Machine) bridge(ctx context.Context, w Wanted) ([]Planned, error) {
	if w.Bridge == "" {
		return nil, nil
	}
	if _, err := os.Stat(m.path("sys/class/net", w.Bridge)); err == nil {
		return nil, nil // what lacks of one that somebody else made is for host:check to say
	}
	nic, err := m.card(w.NIC)
	if err != nil {
		return nil, err
	}
	for _, by := range []func(context.Context, string, string) ([]Planned, error){m.managed, m.networkd, m.ifupdown} {
		if steps, err := by(ctx, w.Bridge, nic); err != nil || steps != nil {
			return steps, err
		}
	}
	return nil, hint.Errorf("make it by hand, docs/host.md shows how, or let NetworkManager manage the card", "bridge=%s: nothing that this knows manages %s", w.Bridge, nic)
}

// card is the one to be bridged: nic, or that of the default route.
func (m Machine) card(nic string) (string, error) {
	if nic == "" {
		nic = m.Root.DefaultLink()
	}
	if _, err := os.Stat(m.path("sys/class/net", nic)); nic == "" || err != nil {
		return "", hint.Errorf("nic=<card> names the one to bridge, `ip link` lists them", "nic=%s: there is no such card, and no default route that names one", nic)
	}
	return nic, m.bridgeable(nic)
}

// bridgeable tells why the link cannot be a port of a new bridge, whoever manages it.
func (m Machine) bridgeable(nic string) error {
	has := func(name string) bool { _, err := os.Lstat(m.path("sys/class/net", nic, name)); return err == nil }
	master, _ := os.Readlink(m.path("sys/class/net", nic, "master"))
	kind, err := os.ReadFile(m.path("sys/class/net", nic, "type"))
	const other = "nic=<card> names a network card, `ip link` lists them; bridge= a bridge that is there"
	switch {
	case has("wireless"):
		return networkmanager.WiFi(nic)
	case has("bridge"):
		return hint.Errorf("bridge="+nic+" uses it as it is; nic=<card> bridges another link", "nic=%s: this is a bridge already, which cannot be the port of another", nic)
	case has("brport"):
		return hint.Errorf("bridge="+filepath.Base(master)+" uses it as it is; nic=<card> bridges another card", "nic=%s: this card is a port of the bridge %s", nic, filepath.Base(master))
	case has("master"):
		return hint.Errorf(other, "nic=%s: this card belongs to %s", nic, filepath.Base(master))
	case has("tun_flags") || err == nil && strings.TrimSpace(string(kind)) != "1": // ARPHRD_ETHER
		return hint.Errorf(other, "nic=%s: this is no Ethernet card, as a bridge's port must be", nic)
	}
	return nil
}

// managed plans the bridge by NetworkManager, or nothing where it does not manage the card.
func (m Machine) managed(ctx context.Context, bridge, nic string) ([]Planned, error) {
	manager, err := networkmanager.Connect(ctx, m.path(systemBus))
	if errors.Is(err, networkmanager.ErrAbsent) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer manager.Close()
	device, err := manager.Device(ctx, nic)
	if err != nil || !device.Managed {
		return nil, asRoot(err)
	}
	b, err := manager.Plan(ctx, bridge, nic, uuid.NewString)
	if err != nil {
		return nil, asRoot(err)
	}
	return []Planned{{"bridge " + bridge + " over " + nic + ", by NetworkManager", why(nic), &ManagedBridge{b}}}, nil
}

// asRoot advises who may not look at the card's settings to ask as root, who may.
func asRoot(err error) error { return hint.Add(err, host.Sudo("mage host:setup")) }

func why(nic string) string {
	return "the nodes are on the network of " + nic + ", with addresses from its DHCP server; the host's own address moves to the bridge"
}
