package domainxml

import (
	"fmt"

	"libvirt.org/go/libvirtxml"

	"coreos-libvirt/internal/engine"
)

// parsed are the domains of this process.
var parsed known

// Parse reads a domain's definition. The state is not part of it. What it gives is the caller's own.
func Parse(text string) (engine.Domain, error) { return parsed.get(text, parse) }

func parse(text string) (engine.Domain, error) {
	var x libvirtxml.Domain
	if err := x.Unmarshal(text); err != nil {
		return engine.Domain{}, fmt.Errorf("cannot read a domain's definition: %w", err)
	}
	d := engine.Domain{Name: x.Name, UUID: x.UUID, State: engine.Other, XML: text, Machine: machineOf(&x), Firmware: firmwareOf(&x), Arch: archOf(&x)}
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

// archOf is the processor that the domain is for; empty if its definition does not say so.
func archOf(x *libvirtxml.Domain) string {
	if x.OS == nil || x.OS.Type == nil {
		return ""
	}
	return x.OS.Type.Arch
}

// linkOf is what the card is plugged into.
func linkOf(card libvirtxml.DomainInterface) (link engine.Link) {
	switch source := card.Source; {
	case source == nil:
	case source.Bridge != nil:
		link.Bridge = source.Bridge.Bridge
	case source.Network != nil:
		link.Network = source.Network.Network
	case source.Direct != nil:
		link.Direct = source.Direct.Dev
	}
	return link
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
	for i, card := range devices.Interfaces {
		if i == 0 {
			d.Link = linkOf(card)
		}
		if card.MAC != nil {
			d.MACs = append(d.MACs, card.MAC.Address)
		}
	}
}
