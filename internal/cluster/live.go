package cluster

import (
	"reflect"

	"libvirt.org/go/libvirtxml"
)

// LiveChanges are the network cards, as libvirt's XML, that differ between two definitions of a domain, where
// nothing else does: a running domain can take these. Of all other changes it gives none.
func LiveChanges(was, is string) ([]string, error) {
	var before, after libvirtxml.Domain
	if err := before.Unmarshal(was); err != nil {
		return nil, err
	}
	if err := after.Unmarshal(is); err != nil {
		return nil, err
	}
	old, now := cardsOf(&before), cardsOf(&after)
	if len(old) != len(now) || !reflect.DeepEqual(before, after) {
		return nil, nil
	}
	changed := []string{}
	for i := range now {
		if reflect.DeepEqual(old[i], now[i]) {
			continue
		}
		text, err := now[i].Marshal()
		if err != nil {
			return nil, err
		}
		changed = append(changed, text)
	}
	return changed, nil
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
