package domainxml

import (
	"fmt"
	"slices"

	"libvirt.org/go/libvirtxml"
)

// OffersUEFI reads what libvirt says of domains (https://libvirt.org/formatdomaincaps.html#bios-bootloader): the firmware
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
