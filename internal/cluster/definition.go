package cluster

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"strings"
	"text/template"

	"libvirt.org/go/libvirtxml"

	"coreos-libvirt/internal/terminal/hint"
)

// Hardware is what the domain template is filled with, for one node.
type Hardware struct {
	Type           string // kvm or qemu
	Arch           string // x86_64 or aarch64
	Firmware       string // efi, or empty for BIOS
	Name           string
	UUID           string
	RAM            int // MiB
	MaxRAM         int // MiB that a running domain can grow to; 0 where it cannot
	VCPU           int
	MaxVCPU        int    // that a running domain can grow to
	LastVCPU       int    // the number of the last of these
	IgnitionKey    string // fw_cfg key: opt/com.coreos/config, or Flatcar's
	Ignition       string // path
	Overlay        string // path
	Console        string // path
	MAC            string
	Bridge         string
	Network        string // libvirt's, instead of the bridge; or empty
	Direct         string // a card shared by macvtap, instead of the bridge; or empty
	ReadyChannel   string // names of virtio channels
	JournalChannel string
	Sockets        string // path that the channels' sockets begin with, or empty: libvirt's own choice
	Metadata       string // the project's element, whole
}

// FirmwareWord is the hardware's firmware in firmware='s words.
func (hw Hardware) FirmwareWord() string {
	if hw.Firmware == efi {
		return UEFI
	}
	return BIOS
}

// WithFirmware is the hardware with a firmware in firmware='s words; of none it has its own.
func (hw Hardware) WithFirmware(word string) Hardware {
	switch word {
	case UEFI:
		hw.Firmware = efi
	case BIOS:
		hw.Firmware = ""
	}
	return hw
}

// efi is libvirt's word for a firmware that it then finds by itself.
const efi = "efi"

// Define fills the template for a node and completes want with the definition's digest. The result
// has been parsed as a domain: what libvirt gets is XML, whatever the template holds.
func Define(tmpl string, hw Hardware, want *Metadata) (string, error) {
	parsed, err := template.New("domain.xml.tmpl").Option("missingkey=error").Parse(tmpl)
	if err != nil {
		return "", hint.Errorf("correct templates/domain.xml.tmpl", "the domain template is broken: %w", err)
	}
	hw.Metadata = ""
	hw = hw.withRoom()
	bare, err := fill(parsed, hw)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(bare))
	want.Definition = hex.EncodeToString(sum[:])
	if hw.Metadata, err = want.Element(); err != nil {
		return "", err
	}
	text, err := fill(parsed, hw)
	if err != nil {
		return "", err
	}
	return text, check(text, hw)
}

func fill(parsed *template.Template, hw Hardware) (string, error) {
	for _, field := range []*string{&hw.IgnitionKey, &hw.Ignition, &hw.Overlay, &hw.Console, &hw.Bridge, &hw.Network, &hw.Direct, &hw.Sockets} {
		var escaped bytes.Buffer
		if err := xml.EscapeText(&escaped, []byte(*field)); err != nil {
			return "", err
		}
		*field = escaped.String()
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, hw); err != nil {
		return "", hint.Errorf("correct templates/domain.xml.tmpl", "the domain template cannot be filled: %w", err)
	}
	return out.String(), nil
}

// check parses what the template gave and refuses what would make a domain that the project loses.
func check(text string, hw Hardware) error {
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
