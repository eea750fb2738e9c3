package domainxml

import (
	"fmt"
	"slices"

	"libvirt.org/go/libvirtxml"
)

// OffersUEFI reads what libvirt tells of domains (https://libvirt.org/formatdomaincaps.html#bios-bootloader): the firmware
// that it would choose by itself, of what the host has installed.
func OffersUEFI(capabilities string) (bool, error) {
	var caps libvirtxml.DomainCaps
	if err := caps.Unmarshal(capabilities); err != nil {
		return true, fmt.Errorf("cannot read libvirt's domain capabilities: %w", err)
	}
	for _, enum := range caps.OS.Enums {
		if enum.Name == "firmware" {
			return slices.Contains(enum.Values, "efi"), nil
		}
	}
	return true, nil // a libvirt that does not tell
}

// Probe is a domain without disks, which shows whether KVM works. ACPI, which a q35 is used to, would want UEFI on arm.
func Probe(name, arch string) (string, error) {
	domain := libvirtxml.Domain{
		Type: "kvm", Name: name,
		Memory: &libvirtxml.DomainMemory{Value: 32, Unit: "MiB"}, VCPU: &libvirtxml.DomainVCPU{Value: 1},
		OS:      &libvirtxml.DomainOS{Type: &libvirtxml.DomainOSType{Arch: arch, Machine: "virt", Type: "hvm"}},
		CPU:     &libvirtxml.DomainCPU{Mode: "host-passthrough"},
		Devices: &libvirtxml.DomainDeviceList{MemBalloon: &libvirtxml.DomainMemBalloon{Model: "none"}},
	}
	if arch == "x86_64" {
		domain.OS.Type.Machine = "q35"
		domain.Features = &libvirtxml.DomainFeatureList{ACPI: &libvirtxml.DomainFeature{}}
	}
	return domain.Marshal()
}
