package domainxml

import "libvirt.org/go/libvirtxml"

// Probe is a domain without disks that boots the kernel at that path, or only its firmware if that is empty, and shows by
// its console whether accel ("kvm", or "qemu" for TCG) runs it. ACPI, which a q35 is used to, would want UEFI on arm.
func Probe(name, accel, arch, kernel string) (string, error) {
	domain := libvirtxml.Domain{
		Type: accel, Name: name,
		Memory: &libvirtxml.DomainMemory{Value: 32, Unit: "MiB"}, VCPU: &libvirtxml.DomainVCPU{Value: 1},
		OS:  &libvirtxml.DomainOS{Type: &libvirtxml.DomainOSType{Arch: arch, Machine: "virt", Type: "hvm"}, Kernel: kernel},
		CPU: &libvirtxml.DomainCPU{Mode: "host-passthrough"},
		Devices: &libvirtxml.DomainDeviceList{
			MemBalloon: &libvirtxml.DomainMemBalloon{Model: "none"},
			Serials:    []libvirtxml.DomainSerial{{Source: &libvirtxml.DomainChardevSource{Pty: &libvirtxml.DomainChardevSourcePty{}}}},
		},
	}
	if accel != "kvm" {
		domain.CPU.Mode = "maximum"
	}
	if arch == "x86_64" {
		domain.OS.Type.Machine = "q35"
		domain.Features = &libvirtxml.DomainFeatureList{ACPI: &libvirtxml.DomainFeature{}}
	}
	return domain.Marshal()
}
