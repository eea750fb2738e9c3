package domainxml

import (
	"fmt"

	"libvirt.org/go/libvirtxml"

	"coreos-libvirt/internal/engine"
)

// Parse reads a domain's definition. The state is not part of it.
func Parse(text string) (engine.Domain, error) {
	var x libvirtxml.Domain
	if err := x.Unmarshal(text); err != nil {
		return engine.Domain{}, fmt.Errorf("cannot read a domain's definition: %w", err)
	}
	d := engine.Domain{Name: x.Name, UUID: x.UUID, State: engine.Other, XML: text, Machine: machineOf(&x), Firmware: firmwareOf(&x)}
	if x.Devices != nil {
		readDevices(&d, x.Devices)
	}
	if x.Metadata == nil {
		return d, nil
	}
	var err error
	d.Metadata, err = parseMetadata(x.Metadata.XML)
	return d, err
}

// firmwareOf is what the domain boots by, also if libvirt has added the firmware's file to the definition.
func firmwareOf(x *libvirtxml.Domain) string {
	if x.OS != nil && (x.OS.Firmware == engine.EFI || x.OS.Loader != nil && x.OS.Loader.Type == "pflash") {
		return engine.UEFI
	}
	return engine.BIOS
}

func readDevices(d *engine.Domain, devices *libvirtxml.DomainDeviceList) {
	for _, disk := range devices.Disks {
		if disk.Source != nil && disk.Source.File != nil {
			d.Disks = append(d.Disks, disk.Source.File.File)
		}
		if b := disk.BackingStore; d.Backing == "" && b != nil && b.Source != nil && b.Source.File != nil {
			d.Backing = b.Source.File.File
		}
	}
	for _, card := range devices.Interfaces {
		if card.MAC != nil {
			d.MACs = append(d.MACs, card.MAC.Address)
		}
	}
}
