package domainxml

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"text/template"

	"coreos-libvirt/internal/engine"
)

// filledTwice is the definition as it was made until Fill came: the template is filled without a mark for the digest, and
// once more with the mark. Domains that were made then must not seem to have changed.
func filledTwice(t *testing.T, tmpl string, hw engine.Hardware, mark engine.Metadata) (digest, text string) {
	t.Helper()
	parsed := template.Must(template.New("").Option("missingkey=error").Parse(tmpl))
	in := struct {
		filled
		Metadata string // instead of the one in filled
	}{filled: withRoom(hw)}
	with := func(mark string) string {
		in.Metadata = mark
		for _, path := range []*string{&in.Ignition, &in.Overlay, &in.Console, &in.Sockets} {
			*path = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&#39;").Replace(*path)
		}
		var out strings.Builder
		if err := parsed.Execute(&out, in); err != nil {
			t.Fatal(err)
		}
		in.filled = withRoom(hw)
		return out.String()
	}
	sum := sha256.Sum256([]byte(with("")))
	mark.Definition = hex.EncodeToString(sum[:])
	element, err := Element(mark)
	if err != nil {
		t.Fatal(err)
	}
	return mark.Definition, with(element)
}

func TestADefinitionIsAsItWasWhenFilledTwice(t *testing.T) {
	links := []engine.Link{{Bridge: "br0"}, {Network: "default"}, {Direct: "eth0"}}
	n := 0
	for _, arch := range []string{"x86_64", "aarch64"} {
		for _, kind := range []string{"kvm", "qemu"} {
			for _, firmware := range []string{"", engine.EFI} {
				for _, sockets := range []string{"", "/run/user/0/core01"} {
					for _, dir := range []string{"/w", "/w & <o>'"} {
						n++
						hw := engine.Hardware{
							Type: kind, Arch: arch, Firmware: firmware, Name: "core01", UUID: "1c0b0ed3-8e5e-5b4e-9c0c-000000000001",
							RAM: 512 * n, VCPU: n, MAC: "52:54:00:d2:b8:64", Link: links[n%len(links)],
							Files:    engine.Files{IgnitionKey: "opt/com.coreos/config", Ignition: dir + "/i.json", Overlay: dir + "/o.qcow2", Console: dir + "/c.log"},
							Channels: engine.Channels{ReadyChannel: "org.coreos.ready", JournalChannel: "com.coreos.ignition.journal", Sockets: sockets},
						}
						mark := engine.Metadata{Workspace: dir, Cluster: "core", Number: n, Ignition: "aa", Base: "/b", Definition: "of another"}
						compareFilled(t, hw, mark)
					}
				}
			}
		}
	}
}

func compareFilled(t *testing.T, hw engine.Hardware, mark engine.Metadata) {
	t.Helper()
	for name, tmpl := range map[string]string{
		"shipped":    shipped(t),
		"mark twice": strings.Replace(shipped(t), "</domain>", "<description>{{.Metadata}}</description></domain>", 1),
		"asks":       strings.Replace(shipped(t), "</domain>", "{{if eq (len .Metadata) 0}}{{end}}</domain>", 1),
	} {
		digest, text := filledTwice(t, tmpl, hw, mark)
		definition, err := Fill(tmpl, hw)
		if err != nil {
			t.Fatal(err)
		}
		got, err := definition.With(mark)
		if err != nil || got != text || definition.Digest() != digest {
			t.Error(fmt.Sprintf("%s, %+v: %v", name, hw, err), "\n", got, "\nwant\n", text)
		}
	}
}
