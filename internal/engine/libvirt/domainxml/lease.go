package domainxml

import (
	"bytes"
	"encoding/xml"

	"libvirt.org/go/libvirtxml"

	"coreos-libvirt/internal/engine"
)

// leaseNamespace is that of the note in a network's metadata.
const leaseNamespace = "urn:coreos-libvirt:lease:1"

// noBridge is one that no host has: the network cannot be started.
const noBridge = "coreos-no-net"

// Lease is the definition of a network that is never started, with the lease in its metadata. The forward mode has libvirt make no
// bridge for it.
func Lease(name string, lease engine.Lease) (string, error) {
	escaped := bytes.Buffer{}
	_ = xml.EscapeText(&escaped, []byte(lease.Text)) // a buffer takes all
	network := libvirtxml.Network{
		Name: name, UUID: lease.ID,
		Metadata: &libvirtxml.NetworkMetadata{XML: `<lease xmlns="` + leaseNamespace + `">` + escaped.String() + "</lease>"},
		Forward:  &libvirtxml.NetworkForward{Mode: "bridge"}, Bridge: &libvirtxml.NetworkBridge{Name: noBridge},
	}
	return network.Marshal()
}

// ParseLease is the lease in a network's definition. Its text is empty if the network is somebody else's.
func ParseLease(definition string) (engine.Lease, error) {
	var network struct {
		UUID string `xml:"uuid"`
		Text string `xml:"metadata>lease"`
	}
	err := xml.Unmarshal([]byte(definition), &network)
	return engine.Lease{ID: network.UUID, Text: network.Text}, err
}
