package domainxml

import (
	"libvirt.org/go/libvirtxml"

	"coreos-libvirt/internal/engine"
)

// machineOf is what the definition says of processors and memory.
func machineOf(x *libvirtxml.Domain) engine.Machine {
	m := engine.Machine{}
	if x.VCPU != nil {
		m.MaxVCPUs = int(x.VCPU.Value)
		m.VCPUs = m.MaxVCPUs
		if x.VCPU.Current != 0 {
			m.VCPUs = int(x.VCPU.Current)
		}
	}
	m.FixedVCPUs = fixed(x, m.VCPUs)
	if x.Memory != nil {
		m.Memory = mib(x.Memory.Value, x.Memory.Unit)
	}
	if x.MaximumMemory != nil {
		m.MaxMemory, m.Slots = mib(x.MaximumMemory.Value, x.MaximumMemory.Unit), int(x.MaximumMemory.Slots)
	}
	if x.Devices != nil {
		m.Slots -= len(x.Devices.Memorydevs)
	}
	return m
}

// fixed is how many of the processors cannot be unplugged. Under TCG that is all: the guest gives a processor up, but QEMU
// (7.2) does not send DEVICE_DELETED, so libvirt counts it for ever. It is all, too, if libvirt does not say which: it
// says so after the first was plugged.
func fixed(x *libvirtxml.Domain, all int) (count int) {
	if x.Type == "qemu" || x.VCPUs == nil {
		return all
	}
	for _, v := range x.VCPUs.VCPU {
		if v.Enabled == "yes" && v.Hotpluggable == "no" {
			count++
		}
	}
	return count
}

// mib is an amount of memory in MiB (https://libvirt.org/formatdomain.html#memory-allocation).
func mib(value uint, unit string) int {
	const kib = 1 << 10
	bytes, ok := map[string]uint{
		"b": 1, "bytes": 1, "": kib, "k": kib, "KiB": kib, "KB": 1e3, "M": 1 << 20, "MiB": 1 << 20, "MB": 1e6,
		"G": 1 << 30, "GiB": 1 << 30, "GB": 1e9, "T": 1 << 40, "TiB": 1 << 40, "TB": 1e12,
	}[unit]
	if !ok {
		return 0
	}
	return int(value * bytes >> 20)
}
