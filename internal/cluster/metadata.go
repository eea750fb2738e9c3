package cluster

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"libvirt.org/go/libvirtxml"

	"coreos-libvirt/internal/terminal/hint"
)

// MetadataURI is the XML namespace of the project's element in a domain's <metadata>.
const MetadataURI = "urn:coreos-libvirt:node:1"

// Metadata is what the project writes into each domain: whose it is, and what it was made from.
// It is the only record; there is no state file.
type Metadata struct {
	XMLName    xml.Name `xml:"urn:coreos-libvirt:node:1 node"`
	Workspace  string   `xml:"workspace,attr"` // absolute path of the clone
	Cluster    string   `xml:"cluster,attr"`   // the prefix
	Number     int      `xml:"number,attr"`
	Ignition   string   `xml:"ignition,attr"`           // sha256 of ignition.json before the words of discovery are replaced, in hex
	Base       string   `xml:"base,attr"`               // path of the base image
	Definition string   `xml:"definition,attr"`         // sha256 of the domain XML less this element, in hex
	Libvirt    string   `xml:"libvirt,attr"`            // where the domain is: the URI, behind the word lab if that is the lab's
	Image      string   `xml:"image,attr"`              // size and time of the base image
	Firmware   string   `xml:"firmware,attr,omitempty"` // bios or uefi; empty where it is not known, and of what is wanted where nobody says
	Disk       int      `xml:"disk,attr"`               // GiB; 0 where it is not known, and of what is wanted where the image tells
}

// Element is m as libvirt keeps it.
func (m Metadata) Element() (string, error) {
	text, err := xml.Marshal(m)
	return string(text), err
}

// Domain is what libvirt has under a node's name.
type Domain struct {
	Name     string
	UUID     string
	State    State
	Metadata *Metadata // nil where the project did not make the domain
	Started  string    // digest of the definition that a running domain was started with; empty where that is not known
	Backing  string    // what a running domain's first disk stands on; empty where that is not known

	Firmware string // bios or uefi

	Machine Machine // of the definition for the next start
	Runs    Machine // of a running domain, now

	XML   string   // the definition for the next start, as libvirt has it
	MACs  []string // of its network cards
	Disks []string // files
}

// ParseDomain reads a domain's definition. The state is not part of it.
func ParseDomain(text string) (Domain, error) {
	var x libvirtxml.Domain
	if err := x.Unmarshal(text); err != nil {
		return Domain{}, fmt.Errorf("cannot read a domain's definition: %w", err)
	}
	d := Domain{Name: x.Name, UUID: x.UUID, State: Other, XML: text, Machine: machineOf(&x), Firmware: firmwareOf(&x)}
	if x.Devices != nil {
		d.readDevices(x.Devices)
	}
	if x.Metadata == nil {
		return d, nil
	}
	var err error
	d.Metadata, err = ParseMetadata(x.Metadata.XML)
	return d, err
}

// The firmwares, in firmware='s words.
const (
	BIOS = "bios"
	UEFI = "uefi"
)

// firmwareOf is what the domain boots by: also where libvirt has written down which file that is.
func firmwareOf(x *libvirtxml.Domain) string {
	if x.OS != nil && (x.OS.Firmware == "efi" || x.OS.Loader != nil && x.OS.Loader.Type == "pflash") {
		return UEFI
	}
	return BIOS
}

func (d *Domain) readDevices(devices *libvirtxml.DomainDeviceList) {
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

// ParseMetadata is the project's element among those of others; nil where there is none.
func ParseMetadata(text string) (*Metadata, error) {
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read a domain's metadata: %w", err)
		}
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if element.Name.Space != MetadataURI {
			if err := decoder.Skip(); err != nil {
				return nil, err
			}
			continue
		}
		var m Metadata
		if err := decoder.DecodeElement(&m, &element); err != nil {
			return nil, fmt.Errorf("cannot read the project's metadata: %w", err)
		}
		return &m, nil
	}
}

// State of a domain, in libvirt's words.
type State string

// The states that matter here; libvirt's others are Other.
const (
	Running State = "running"
	Paused  State = "paused"
	ShutOff State = "shut off"
	Crashed State = "crashed"
	Other   State = "in another state"
)

// InUse tells whether QEMU may have the domain's disk open: also a paused guest's does, and a crashed one's that is
// kept to be looked at.
func (d Domain) InUse() bool { return d.Name != "" && d.State != ShutOff }

// outdated tells whether the domain runs by another definition than the one that there is now.
func (d Domain) outdated() bool { return d.Started != "" && d.Started != d.Metadata.Definition }

// InPart is in place of the digest in the metadata of a running domain that has taken not all that it was to take.
const InPart = "in part"

// foreign says whose domain d is, where it is not the cluster's own: an error to show.
func (d Domain) foreign(workspace, cluster string) error {
	switch m := d.Metadata; {
	case m == nil:
		return hint.Errorf(fmt.Sprintf("choose another prefix=, or remove it yourself: virsh undefine %s", d.Name),
			"%s: libvirt has a domain of this name that this project did not make; it is left alone", d.Name)
	case m.Workspace != workspace:
		return hint.Errorf("choose another prefix=, or run `mage down` there",
			"%s: the domain belongs to the workspace %s; it is left alone", d.Name, m.Workspace)
	case m.Cluster != cluster:
		return hint.Errorf("choose another prefix=", "%s: the domain belongs to the cluster %s; it is left alone", d.Name, m.Cluster)
	}
	return nil
}
