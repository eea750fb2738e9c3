package cluster

import (
	"reflect"

	"libvirt.org/go/libvirtxml"
)

// LiveChanges are the network cards, as libvirt's XML, that differ between two definitions of a domain: a running
// domain can take these. rest tells whether anything else differs, which it cannot.
func LiveChanges(was, is string) (cards []string, rest bool, err error) {
	var before, after libvirtxml.Domain
	if err := before.Unmarshal(was); err != nil {
		return nil, true, err
	}
	if err := after.Unmarshal(is); err != nil {
		return nil, true, err
	}
	old, now := cardsOf(&before), cardsOf(&after)
	if rest = !reflect.DeepEqual(before, after); len(old) != len(now) {
		return nil, true, nil
	}
	for i := range now {
		if reflect.DeepEqual(old[i], now[i]) {
			continue
		}
		text, err := now[i].Marshal()
		if err != nil {
			return nil, true, err
		}
		cards = append(cards, text)
	}
	return cards, rest, nil
}

// cardsOf takes the network cards out of the definition, and the metadata, which differ with every change.
func cardsOf(domain *libvirtxml.Domain) []libvirtxml.DomainInterface {
	domain.Metadata = nil
	if domain.Devices == nil {
		return nil
	}
	cards := domain.Devices.Interfaces
	domain.Devices.Interfaces = nil
	return cards
}
