// Package bridge makes a bridge over a network card of the host, by whoever manages the card, and takes it back if it does
// not carry what the card did.
package bridge

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/host/networkmanager"
	"coreos-libvirt/internal/host/step"
	"coreos-libvirt/internal/terminal/hint"
)

const systemBus = "run/dbus/system_bus_socket"

// Managed is a bridge that NetworkManager makes.
type Managed struct {
	networkmanager.Bridge
}

// Do makes it, with what the card carries now as what it must carry.
func (b *Managed) Do(ctx context.Context, m step.Machine) error {
	manager, err := networkmanager.Connect(ctx, m.Root.Path(systemBus))
	if err != nil {
		return err
	}
	defer manager.Close()
	carried := m.Root.Uplink(b.NIC)
	m.Say("%s: the network is away for a moment; if the bridge does not carry it, NetworkManager takes all back within %s", b.Name, m.Rollback)
	return manager.Make(ctx, b.Bridge, m.Rollback, func() error { return m.Root.Carries(b.Name, carried) })
}

// Undo gives the card its former profile back.
func (b *Managed) Undo(ctx context.Context, m step.Machine) error {
	manager, err := networkmanager.Connect(ctx, m.Root.Path(systemBus))
	if err != nil {
		return err
	}
	defer manager.Close()
	carried := m.Root.Uplink(b.Name)
	return manager.Undo(ctx, b.Bridge, m.Rollback, func() error { return m.Root.Carries(b.NIC, carried) })
}

// Plan plans the bridge, unless it is there, over the card nic, or that of the default route where nic is empty.
func Plan(ctx context.Context, m step.Machine, bridge, nic string) ([]step.Planned, error) {
	if _, err := os.Stat(m.Root.Path("sys/class/net", bridge)); err == nil {
		return nil, nil // what lacks of one that somebody else made is for host:check to say
	}
	nic, err := card(m, nic)
	if err := errors.Join(err, plain(bridge), plain(nic)); err != nil {
		return nil, err
	}
	for _, by := range []func(context.Context, step.Machine, string, string) ([]step.Planned, error){managed, networkd, ifupdown} {
		if steps, err := by(ctx, m, bridge, nic); err != nil || steps != nil {
			return steps, err
		}
	}
	return nil, hint.Errorf("make it by hand, docs/host.md shows how, or let NetworkManager manage the card", "bridge=%s: neither NetworkManager, systemd-networkd nor ifupdown manages %s", bridge, nic)
}

// plainLink is what fits into files and scripts as it is. The kernel takes more, and a container may choose the name of a link.
var plainLink = regexp.MustCompile(`^[A-Za-z0-9._][A-Za-z0-9._-]{0,14}$`)

func plain(link string) error {
	if link == "" || plainLink.MatchString(link) {
		return nil
	}
	return hint.Errorf("ip link set dev "+step.Quoted(link)+" name <name>   # of letters, digits and . _ -", "%q: a link of this name cannot be in a configuration file", link)
}

// card is the one to be bridged: nic, or that of the default route.
func card(m step.Machine, nic string) (string, error) {
	if nic == "" {
		nic = m.Root.DefaultLink()
	}
	if _, err := os.Stat(m.Root.Path("sys/class/net", nic)); nic == "" || err != nil {
		return "", hint.Errorf("nic=<card> names the one to bridge, `ip link` lists them", "nic=%s: there is no such card, and no default route that names one", nic)
	}
	return nic, bridgeable(m, nic)
}

// bridgeable tells why the link cannot be a port of a new bridge, whoever manages it.
func bridgeable(m step.Machine, nic string) error {
	has := func(name string) bool { _, err := os.Lstat(m.Root.Path("sys/class/net", nic, name)); return err == nil }
	master, _ := os.Readlink(m.Root.Path("sys/class/net", nic, "master"))
	kind, err := os.ReadFile(m.Root.Path("sys/class/net", nic, "type"))
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
		return hint.Errorf(other, "nic=%s: this is not an Ethernet card, as a bridge's port must be", nic)
	}
	return nil
}

// managed plans the bridge by NetworkManager, or nothing where it does not manage the card.
func managed(ctx context.Context, m step.Machine, bridge, nic string) ([]step.Planned, error) {
	manager, err := networkmanager.Connect(ctx, m.Root.Path(systemBus))
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
	return []step.Planned{{Title: "bridge " + bridge + " over " + nic + ", by NetworkManager", Why: why(nic), Step: &Managed{b}}}, nil
}

// asRoot advises who may not look at the card's settings to ask as root, who may.
func asRoot(err error) error { return hint.Add(err, host.Sudo("mage host:setup")) }

func why(nic string) string {
	return "the nodes are on the network of " + nic + ", with addresses from its DHCP server; the host's own address moves to the bridge"
}
