// Package domainxml is what libvirt writes and reads of a domain: definitions of nodes, what a definition says, what a running
// domain takes of a new one. It needs no libvirt.
package domainxml

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"strings"
	"text/template"

	"libvirt.org/go/libvirtxml"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
)

// Definition is the definition of a node's domain, complete but for the mark that says whose the domain is.
type Definition struct {
	digest string
	parts  []string // its text, cut at each place where the mark goes
}

// Fill fills the template for a node. The result has been parsed as a domain: libvirt gets XML, whatever is in the template.
func Fill(tmpl string, hw engine.Hardware) (Definition, error) {
	parsed, err := template.New("domain.xml.tmpl").Option("missingkey=error").Parse(tmpl)
	if err != nil {
		return Definition{}, hint.Errorf("correct templates/domain.xml.tmpl", "the domain template is broken: %w", err)
	}
	text, err := fill(parsed, withRoom(hw))
	if err != nil {
		return Definition{}, err
	}
	parts := strings.Split(text, placeholder)
	sum := sha256.Sum256([]byte(strings.Join(parts, "")))
	return Definition{digest: hex.EncodeToString(sum[:]), parts: parts}, check(strings.Join(parts, emptyMark), hw)
}

// Digest is the sha256 of the definition without a mark, in hex.
func (d Definition) Digest() string { return d.digest }

// With is the definition with the mark in it, which gets the definition's digest.
func (d Definition) With(mark engine.Metadata) (text string, err error) {
	mark.Definition = d.digest
	element, err := Element(mark)
	return strings.Join(d.parts, element), err
}

// The mark is not known yet when the template is filled: a placeholder is written where it goes, which no text of XML can
// have in it. A template that asks whether there is a mark finds none, so that the digest is of a definition without one.
const (
	placeholder = "\x00"
	emptyMark   = `<node xmlns="` + MetadataURI + `"/>`
)

// place is the template's {{.Metadata}}.
type place string

// String is what the template writes.
func (place) String() string { return placeholder }

// fill fills the template. The fields that a user or a path decides are escaped for XML.
func fill(parsed *template.Template, in filled) (string, error) {
	fields := []*string{&in.IgnitionKey, &in.Ignition, &in.Overlay, &in.Console, &in.Bridge, &in.Network, &in.Direct, &in.Sockets}
	for _, field := range append(fields, furtherFields(in)...) {
		var escaped bytes.Buffer
		if err := xml.EscapeText(&escaped, []byte(*field)); err != nil {
			return "", err
		}
		*field = escaped.String()
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, in); err != nil {
		return "", hint.Errorf("correct templates/domain.xml.tmpl", "the domain template cannot be filled: %w", err)
	}
	return out.String(), nil
}

// check refuses a definition that is no XML, and one by which the project would not find its domain again.
func check(text string, hw engine.Hardware) error {
	var domain libvirtxml.Domain
	if err := domain.Unmarshal(text); err != nil {
		return hint.Errorf("correct templates/domain.xml.tmpl", "the domain template gives no domain XML: %w", err)
	}
	if domain.Name != hw.Name || domain.UUID != hw.UUID {
		return hint.Errorf("keep {{.Name}} and {{.UUID}} in templates/domain.xml.tmpl", "the domain template gives another name or UUID")
	}
	if domain.Metadata == nil || !strings.Contains(domain.Metadata.XML, MetadataURI) {
		return hint.Errorf("keep {{.Metadata}} in templates/domain.xml.tmpl", "the domain template leaves the project's metadata out: `mage down` would not find the domain")
	}
	return checkFurther(domain, hw)
}
