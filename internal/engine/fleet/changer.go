package fleet

import (
	"errors"
	"net/netip"

	"coreos-libvirt/internal/engine"
)

// changer changes domains.
type changer struct{ *index }

// Update changes a device of the running domain.
func (c changer) Update(name, text string) error {
	return do(c.index, name, func(on engine.Changer) error { return on.Update(name, text) })
}

// Attach plugs a disk into the running domain.
func (c changer) Attach(name, text string) error {
	return do(c.index, name, func(on engine.Changer) error { return on.Attach(name, text) })
}

// Resize has the guest see another size of a disk.
func (c changer) Resize(name, file string, gib int) error {
	return do(c.index, name, func(on engine.Changer) error { return on.Resize(name, file, gib) })
}

// SetVCPUs plugs processors in, or out.
func (c changer) SetVCPUs(name string, count int) error {
	return do(c.index, name, func(on engine.Changer) error { return on.SetVCPUs(name, count) })
}

// SetMemory plugs memory in.
func (c changer) SetMemory(name string, mib int) error {
	return do(c.index, name, func(on engine.Changer) error { return on.SetMemory(name, mib) })
}

// Took notes in the running domain what it is by now.
func (c changer) Took(name string, mark engine.Metadata) error {
	return do(c.index, name, func(on engine.Changer) error { return on.Took(name, mark) })
}

// Mark notes the mark in the definition.
func (c changer) Mark(name string, mark engine.Metadata) (made string, err error) {
	return with(c.index, name, func(on engine.Marker) (string, error) { return on.Mark(name, mark) })
}

// Autostart reports whether the domain's host starts it when it boots.
func (c changer) Autostart(name string) (bool, error) {
	return with(c.index, name, func(on engine.Autostarter) (bool, error) { return on.Autostart(name) })
}

// SetAutostart has the domain's host start it when it boots.
func (c changer) SetAutostart(name string) error {
	return do(c.index, name, func(on engine.Autostarter) error { return on.SetAutostart(name) })
}

// kept are the snapshots of domains.
type kept struct{ *index }

// Snapshots are those of the domain.
func (k kept) Snapshots(domain string) ([]engine.Snapshot, error) {
	return with(k.index, domain, func(on engine.SnapshotList) ([]engine.Snapshot, error) { return on.Snapshots(domain) })
}

// Pause stops the domain's processors.
func (k kept) Pause(domain string) error {
	return do(k.index, domain, func(on engine.Snapshots) error { return on.Pause(domain) })
}

// TakeSnapshot makes one of the domain.
func (k kept) TakeSnapshot(domain, name, note string) error {
	return do(k.index, domain, func(on engine.Snapshots) error { return on.TakeSnapshot(domain, name, note) })
}

// Revert takes the domain back.
func (k kept) Revert(domain string, to engine.Snapshot) error {
	return do(k.index, domain, func(on engine.Snapshots) error { return on.Revert(domain, to) })
}

// RemoveSnapshot removes one.
func (k kept) RemoveSnapshot(domain, name, note string) error {
	return do(k.index, domain, func(on engine.Snapshots) error { return on.RemoveSnapshot(domain, name, note) })
}

// knowledge is what hosts know of themselves and of guests.
type knowledge struct{ *index }

// Lease is the address that a DHCP server of the host's own gave.
func (k knowledge) Lease(domain, mac string) (none netip.Addr) {
	found, _ := with(k.index, domain, func(on engine.Addresses) (netip.Addr, error) { return on.Lease(domain, mac), nil })
	return found
}

// AgentAddress is what an agent in the guest says.
func (k knowledge) AgentAddress(domain, mac string) (none netip.Addr) {
	found, _ := with(k.index, domain, func(on engine.Addresses) (netip.Addr, error) { return on.AgentAddress(domain, mac), nil })
	return found
}

// NetworkBridge is the bridge of the network: the same one on all hosts that answer, or else empty.
func (k knowledge) NetworkBridge(network string) (string, error) {
	all, err := each(k.index, func(on On) (answer[string], error) {
		networks, can := engine.As[engine.Networks](on)
		if !can {
			return answer[string]{}, nil
		}
		bridge, err := networks.NetworkBridge(network)
		return answer[string]{bridge, err}, nil
	})
	bridges := map[string]bool{}
	for _, one := range all {
		err = errors.Join(err, one.err)
		bridges[one.value] = true
	}
	for bridge := range bridges {
		if len(bridges) == 1 {
			return bridge, err
		}
	}
	return "", err
}

// answer is what a host that answers says, which may be that it refuses.
type answer[T any] struct {
	value T
	err   error
}

// HasKVM reports whether all hosts that answer have KVM: nodes are all emulated, or none.
func (k knowledge) HasKVM(arch string) bool {
	return k.all(func(h engine.Host) bool { return h.HasKVM(arch) })
}

// HasUEFI reports whether all hosts that answer have UEFI.
func (k knowledge) HasUEFI(arch string) bool {
	return k.all(func(h engine.Host) bool { return h.HasUEFI(arch) })
}

func (k knowledge) all(has func(engine.Host) bool) bool {
	hosts, err := each(k.index, func(on On) (bool, error) { return has(engine.HostOf(on)), nil })
	for _, one := range hosts {
		if !one {
			return false
		}
	}
	return err == nil
}
