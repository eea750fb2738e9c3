package cluster

import (
	"reflect"
	"strings"

	"libvirt.org/go/libvirtxml"
)

// Live is what a running domain takes of a changed definition.
type Live struct {
	Cards  []string // network cards, as libvirt's XML
	VCPUs  int      // that it has then; 0 where they stay
	Memory int      // MiB that it has then; 0 where it stays
	Short  bool     // whether it has other processors or memory than are wanted, and cannot take those
	Rest   bool     // whether anything else differs, which it cannot take
}

// None tells whether it takes nothing.
func (l Live) None() bool { return len(l.Cards) == 0 && l.VCPUs == 0 && l.Memory == 0 }

// WithoutPlugging leaves processors and memory to the next start.
func (l Live) WithoutPlugging() Live {
	l.Short = l.Short || l.VCPUs > 0 || l.Memory > 0
	l.VCPUs, l.Memory = 0, 0
	return l
}

// String names what it takes: network, processors, memory.
func (l Live) String() string {
	names := []string{}
	if len(l.Cards) > 0 {
		names = append(names, "network")
	}
	if l.VCPUs > 0 {
		names = append(names, "processors")
	}
	if l.Memory > 0 {
		names = append(names, "memory")
	}
	return strings.Join(names, " and ")
}

// LiveChanges compares two definitions of a domain, and what the running one has with the second.
func LiveChanges(was, is string, runs Machine) (live Live, err error) {
	var before, after libvirtxml.Domain
	if err := before.Unmarshal(was); err != nil {
		return Live{}, err
	}
	if err := after.Unmarshal(is); err != nil {
		return Live{}, err
	}
	live.plug(runs, machineOf(&after))
	withoutPluggable(&before)
	withoutPluggable(&after)
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

// plug tells what is plugged and unplugged. Processors can go that came while the domain ran, memory stays.
func (l *Live) plug(runs, want Machine) {
	switch {
	case runs.VCPUs == want.VCPUs:
	case runs.FixedVCPUs <= want.VCPUs && want.VCPUs <= runs.MaxVCPUs:
		l.VCPUs = want.VCPUs
	default:
		l.Short = true
	}
	more := want.Memory - runs.Memory
	switch {
	case more == 0:
	case more > 0 && more%memoryBlock(runs.Memory) == 0 && want.Memory <= runs.MaxMemory && runs.Slots > 0:
		l.Memory = want.Memory
	default:
		l.Short = true
	}
}

// memoryBlock is the MiB that Linux brings online at once, and so what a DIMM must be a multiple of: 128, of guests with
// 64 GiB and more up to 2 GiB (probe_memory_block_size in arch/x86/mm/init_64.c).
func memoryBlock(mib int) int {
	if mib >= 64<<10 {
		return 2 << 10
	}
	return 128
}

// withoutPluggable takes the metadata out of the definition, which differ with every change, and how much there is of
// what can be plugged. How much there can be stays.
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
