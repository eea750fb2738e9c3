package engine

import "strings"

// Live is what a running domain takes of a changed definition.
type Live struct {
	Cards  []string // network cards, as libvirt's XML
	Disks  []string // disks that it has not, as libvirt's XML
	VCPUs  int      // how many it has then; 0 if they stay
	Memory int      // MiB that it has then; 0 if it stays
	Short  bool     // whether it has other processors or memory than are wanted, and cannot take those
	Rest   bool     // whether anything else differs, which it cannot take
}

// Plug is what a running domain takes to have the processors and the memory that are wanted. Processors that were plugged
// can be unplugged, memory stays.
func Plug(runs, want Machine) (l Live) {
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
	return l
}

// memoryBlock is how many MiB Linux brings online at once: a DIMM must be a multiple of it. It is 128, and of guests with
// 64 GiB or more up to 2 GiB (probe_memory_block_size in arch/x86/mm/init_64.c).
func memoryBlock(mib int) int {
	if mib >= 64<<10 {
		return 2 << 10
	}
	return 128
}

// None reports whether it takes nothing.
func (l Live) None() bool {
	return len(l.Cards) == 0 && len(l.Disks) == 0 && l.VCPUs == 0 && l.Memory == 0
}

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
	if len(l.Disks) > 0 {
		names = append(names, "disks")
	}
	if l.VCPUs > 0 {
		names = append(names, "processors")
	}
	if l.Memory > 0 {
		names = append(names, "memory")
	}
	return strings.Join(names, " and ")
}
