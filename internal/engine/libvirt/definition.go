package libvirt

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

// Define fills the template for a node, and writes the definition's digest into want. The result has been parsed as a
// domain: libvirt gets XML, whatever is in the template.
func Define(tmpl string, hw engine.Hardware, want *engine.Metadata) (string, error) {
	parsed, err := template.New("domain.xml.tmpl").Option("missingkey=error").Parse(tmpl)
	if err != nil {
		return "", hint.Errorf("correct templates/domain.xml.tmpl", "the domain template is broken: %w", err)
	}
	in := withRoom(hw)
	bare, err := fill(parsed, in)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(bare))
	want.Definition = hex.EncodeToString(sum[:])
	if in.Metadata, err = Element(*want); err != nil {
		return "", err
	}
	text, err := fill(parsed, in)
	if err != nil {
		return "", err
	}
	return text, check(text, hw)
}

// fill fills the template. The fields that a user or a path decides are escaped for XML.
func fill(parsed *template.Template, in filled) (string, error) {
	for _, field := range []*string{&in.IgnitionKey, &in.Ignition, &in.Overlay, &in.Console, &in.Bridge, &in.Network, &in.Direct, &in.Sockets} {
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
	return nil
}
