package cluster

// A running domain's processors and memory can grow as far as its definition has room for. The room is the same for all
// sizes that people have, as another one takes effect only when the domain is started. QEMU plugs neither into aarch64
// by ACPI as it does here: there it is as large as what there is.
const (
	roomVCPU = 16
	mostVCPU = 255 // of a q35 without an IOMMU
	// With roomRAM, 8 slots for DIMMs of which each may take 1 GiB of addresses more, and 32 GiB for PCI behind that, a
	// domain ends below 64 GiB: processors with 36 bits of address, as those of 2012, have no more, and QEMU refuses to
	// start there (hw/i386/pc.c, "phys-bits too low").
	roomRAM = 16 << 10
	// leastRAM is of who can grow: with memory that may come above 4 GiB, Linux sets 64 MiB aside for devices that do not
	// reach there (swiotlb), which smaller guests miss (https://github.com/kubevirt/kubevirt/pull/12212).
	leastRAM = 1 << 10
)

// withRoom completes what the domain's definition has room for.
func (hw Hardware) withRoom() Hardware {
	hw.MaxRAM, hw.MaxVCPU = 0, hw.VCPU
	if hw.Arch == "x86_64" {
		hw.MaxVCPU = min(doubled(roomVCPU, hw.VCPU), mostVCPU)
		if hw.RAM >= leastRAM {
			hw.MaxRAM = doubled(roomRAM, hw.RAM+1)
		}
	}
	hw.LastVCPU = hw.MaxVCPU - 1
	return hw
}

// doubled is the room, doubled until it is enough.
func doubled(room, enough int) int {
	for room < enough {
		room *= 2
	}
	return room
}
