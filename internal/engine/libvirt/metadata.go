package libvirt

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"libvirt.org/go/libvirtxml"

	"coreos-libvirt/internal/engine"
)

// MetadataURI is the XML namespace of the project's element in a domain's <metadata>.
const MetadataURI = "urn:coreos-libvirt:node:1"

// element is the project's metadata as XML.
type element struct {
	XMLName xml.Name `xml:"urn:coreos-libvirt:node:1 node"`
	attributes
}

// attributes are the fields of engine.Metadata, in its order.
type attributes struct {
	Workspace  string `xml:"workspace,attr"`
	Cluster    string `xml:"cluster,attr"`
	Number     int    `xml:"number,attr"`
	Ignition   string `xml:"ignition,attr"`
	Base       string `xml:"base,attr"`
	Definition string `xml:"definition,attr"`
	Libvirt    string `xml:"libvirt,attr"`
	Image      string `xml:"image,attr"`
	Firmware   string `xml:"firmware,attr,omitempty"`
	Disk       int    `xml:"disk,attr"`
}

// Element is the metadata as libvirt keeps them.
func Element(m engine.Metadata) (string, error) {
	text, err := xml.Marshal(element{attributes: attributes(m)})
	return string(text), err
}

// ParseDomain reads a domain's definition. The state is not part of it.
func ParseDomain(text string) (engine.Domain, error) {
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
	d.Metadata, err = ParseMetadata(x.Metadata.XML)
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

// ParseMetadata finds the project's element among those of others; nil if there is none.
func ParseMetadata(text string) (*engine.Metadata, error) {
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read a domain's metadata: %w", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if start.Name.Space != MetadataURI {
			if err := decoder.Skip(); err != nil {
				return nil, err
			}
			continue
		}
		var read element
		if err := decoder.DecodeElement(&read, &start); err != nil {
			return nil, fmt.Errorf("cannot read the project's metadata: %w", err)
		}
		m := engine.Metadata(read.attributes)
		return &m, nil
	}
}
