package domainxml

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

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
	ID         string `xml:"id,attr,omitempty"`
	engine.Role
	Settings string `xml:"settings,attr,omitempty"`
	Said     string `xml:"said,attr,omitempty"`
	engine.Birth
}

// Element is the metadata as libvirt keeps them.
func Element(m engine.Metadata) (string, error) {
	text, err := xml.Marshal(element{attributes: attributes(m)})
	return string(text), err
}

// parseMetadata finds the project's element among those of others; nil if there is none.
func parseMetadata(text string) (*engine.Metadata, error) {
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
