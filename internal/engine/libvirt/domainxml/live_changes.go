package domainxml

import (
	"reflect"

	"libvirt.org/go/libvirtxml"

	"coreos-libvirt/internal/engine"
)

// LiveChanges compares two definitions of a domain, and what the running one has with the second.
func LiveChanges(was, is string, runs engine.Machine) (live engine.Live, err error) {
	var before, after libvirtxml.Domain
	if err := before.Unmarshal(was); err != nil {
		return engine.Live{}, err
	}
	if err := after.Unmarshal(is); err != nil {
		return engine.Live{}, err
	}
	live = engine.Plug(runs, machineOf(&after))
	withoutPluggable(&before)
	withoutPluggable(&after)
	if live.Disks, err = newDisks(&before, &after); err != nil {
		return engine.Live{}, err
	}
	old, now := cardsOf(&before), cardsOf(&after)
	live.Rest = len(old) != len(now) || !reflect.DeepEqual(before, after)
	if len(old) == len(now) {
		live.Cards, err = changed(old, now)
	}
	return live, err
}

// changed are the cards of now that differ from those in their places in old.
func changed(old, now []libvirtxml.DomainInterface) (cards []string, err error) {
	for i := range now {
		if reflect.DeepEqual(old[i], now[i]) {
			continue
		}
		text, err := now[i].Marshal()
		if err != nil {
			return nil, err
		}
		cards = append(cards, text)
	}
	return cards, nil
}

// withoutPluggable takes out of the definition its metadata, which differ with every change, and the number of processors
// and the size of memory. The room for both stays.
func withoutPluggable(domain *libvirtxml.Domain) {
	domain.Metadata, domain.Memory, domain.CurrentMemory = nil, nil, nil
	if domain.VCPU != nil {
		domain.VCPU.Current = 0
	}
	if domain.MaximumMemory != nil && domain.CPU != nil && domain.CPU.Numa != nil && len(domain.CPU.Numa.Cell) == 1 {
		domain.CPU.Numa.Cell[0].Memory = 0
	}
}

// cardsOf takes the network cards out of the definition.
func cardsOf(domain *libvirtxml.Domain) []libvirtxml.DomainInterface {
	if domain.Devices == nil {
		return nil
	}
	cards := domain.Devices.Interfaces
	domain.Devices.Interfaces = nil
	return cards
}
