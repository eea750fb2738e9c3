package domainxml

import (
	"fmt"
	"slices"

	"coreos-libvirt/internal/engine"
)

// A running domain can be plugged as many processors and as much memory as its definition leaves room for. The room is the
// same for all usual sizes, because a change of it takes effect only when the domain is started. On aarch64 QEMU plugs
// neither by ACPI as it does here: there the room is what the domain has.
const (
	roomVCPU = 16
	mostVCPU = 255 // of a q35 without an IOMMU
	// With roomRAM, 8 slots for DIMMs of which each may take 1 GiB of addresses more, and 32 GiB for PCI behind that, a
	// domain ends below 64 GiB. Processors with 36 bits of address, as those of 2012, have no more, and QEMU refuses to
	// start there (hw/i386/pc.c, "phys-bits too low").
	roomRAM = 16 << 10
	// leastRAM is the least memory that can grow. If memory may come above 4 GiB, Linux sets 64 MiB aside for devices that do
	// not reach there (swiotlb), which smaller guests miss (https://github.com/kubevirt/kubevirt/pull/12212).
	leastRAM = 1 << 10
)

// filled is what the domain template is filled with.
type filled struct {
	engine.Hardware
	Disks    []furtherDisk
	Cards    []engine.Card // further ones
	MaxRAM   int           // MiB that a running domain can grow to; 0 if it cannot
	MaxVCPU  int           // that a running domain can grow to
	LastVCPU int           // the number of the last of these
	Metadata place         // of the project's element
}

// withRoom is the hardware, and what the domain's definition has room for.
func withRoom(hw engine.Hardware) filled {
	in := filled{Hardware: hw, MaxVCPU: hw.VCPU, Disks: furtherDisks(hw.Disks), Cards: slices.Clone(hw.Cards)}
	if hw.Arch == "x86_64" {
		in.MaxVCPU = min(doubled(roomVCPU, hw.VCPU), mostVCPU)
		if hw.RAM >= leastRAM {
			in.MaxRAM = doubled(roomRAM, hw.RAM+1)
		}
	}
	in.LastVCPU = in.MaxVCPU - 1
	return in
}

// doubled is the room, doubled until it is enough.
func doubled(room, enough int) int {
	for room < enough {
		room *= 2
	}
	return room
}

// DIMM is a memory module (https://libvirt.org/formatdomain.html#memory-devices) for the one NUMA cell that there is.
func DIMM(mib int) string {
	return fmt.Sprintf("<memory model='dimm'><target><size unit='MiB'>%d</size><node>0</node></target></memory>", mib)
}
