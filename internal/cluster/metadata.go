package cluster

import (
	"encoding/xml"
	"fmt"

	"coreos-libvirt/internal/hint"
)

// MetadataURI is the XML namespace of the project's element in a domain's <metadata>.
const MetadataURI = "urn:coreos-libvirt:node:1"

// Metadata is what the project writes into each domain: whose it is, and what it was made from.
// It is the only record; there is no state file.
type Metadata struct {
	XMLName    xml.Name `xml:"node"`
	Namespace  string   `xml:"xmlns,attr"`     // MetadataURI; libvirt gives the element back without it
	Workspace  string   `xml:"workspace,attr"` // absolute path of the clone
	Cluster    string   `xml:"cluster,attr"`   // the prefix
	Number     int      `xml:"number,attr"`
	Ignition   string   `xml:"ignition,attr"`   // sha256 of ignition.json, in hex
	Base       string   `xml:"base,attr"`       // path of the base image
	Definition string   `xml:"definition,attr"` // sha256 of the domain XML less this element, in hex
}

// Element is m as libvirt keeps it.
func (m Metadata) Element() (string, error) {
	m.Namespace = MetadataURI
	text, err := xml.Marshal(m)
	return string(text), err
}

// ParseMetadata reads the element as libvirt gives it back.
func ParseMetadata(text string) (*Metadata, error) {
	var m Metadata
	if err := xml.Unmarshal([]byte(text), &m); err != nil {
		return nil, fmt.Errorf("cannot read the project's metadata: %w", err)
	}
	return &m, nil
}

// Domain is what libvirt has under a node's name.
type Domain struct {
	Name     string
	UUID     string
	State    State
	Metadata *Metadata // nil where the project did not make the domain
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
