package domainxml

import (
	"os"
	"strings"
	"testing"

	"libvirt.org/go/libvirtxml"

	"coreos-libvirt/internal/engine"
)

func shipped(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../../templates/domain.xml.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// define is the template's definition with the mark, which gets its digest.
func define(tmpl string, hw engine.Hardware, mark *engine.Metadata) (string, error) {
	definition, err := Fill(tmpl, hw)
	if err != nil {
		return "", err
	}
	mark.Definition = definition.Digest()
	return definition.With(*mark)
}

func TestDefine(t *testing.T) {
	hw := engine.Hardware{
		Type: "kvm", Arch: "x86_64", Name: "core01", UUID: "1c0b0ed3-8e5e-5b4e-9c0c-000000000001", RAM: 1024, VCPU: 2,
		Files: engine.Files{IgnitionKey: "opt/com.coreos/config", Ignition: "/w & <o>'/ignition.json", Overlay: "/w/core01.qcow2", Console: "/w/console.log"},
		MAC:   "52:54:00:d2:b8:64", Link: engine.Link{Bridge: "br0"}, Channels: engine.Channels{ReadyChannel: "org.coreos.ready"},
	}
	meta := engine.Metadata{Workspace: "/w & <o>'", Cluster: "core", Number: 1, Ignition: "aa", Base: "/b"}
	text, err := define(shipped(t), hw, &meta)
	if err != nil {
		t.Fatal(err)
	}
	var domain libvirtxml.Domain
	if err := domain.Unmarshal(text); err != nil {
		t.Fatal(err)
	}
	entries := domain.SysInfo[0].FWCfg.Entry
	if len(entries) != 1 || entries[0].Name != "opt/com.coreos/config" || entries[0].File != "/w & <o>'/ignition.json" {
		t.Errorf("fw_cfg: got %+v", entries)
	}
	if domain.Features.ACPI == nil || domain.OS.Type.Machine != "q35" || domain.Devices.Disks[0].Target.Bus != "virtio" {
		t.Error("ACPI, q35 and virtio are what Ignition and the guests need")
	}
	if cell := domain.CPU.Numa.Cell; domain.CPU.Mode != "host-passthrough" || len(cell) != 1 || cell[0].CPUs != "0-15" || cell[0].Memory != 1024 {
		t.Errorf("the processor: got %+v", domain.CPU)
	}
	parsed, err := Parse(text)
	if want := (engine.Machine{VCPUs: 2, MaxVCPUs: 16, FixedVCPUs: 2, Memory: 1024, MaxMemory: 16384, Slots: 8}); parsed.Machine != want {
		t.Errorf("got %+v", parsed.Machine)
	}
	back := parsed.Metadata
	if err != nil || back.Workspace != meta.Workspace || back.Definition != meta.Definition || len(back.Definition) != 64 {
		t.Errorf("metadata: got %+v, %v", back, err)
	}
	other := meta
	other.Ignition = "bb"
	if _, err := define(shipped(t), hw, &other); err != nil || other.Definition != meta.Definition {
		t.Error("the definition's digest must not depend on the metadata")
	}
}

// TestNoProcessorIsAThread however many there are or can be plugged: Fedora CoreOS boots with mitigations=auto,nosmt. libvirt
// refuses a topology that has not as many as <vcpu> says.
func TestNoProcessorIsAThread(t *testing.T) {
	for _, c := range []struct {
		kind, arch       string
		vcpu, ram, cores int
	}{{"kvm", "x86_64", 2, 1024, 16}, {"qemu", "x86_64", 1, 512, 16}, {"kvm", "x86_64", 200, 1024, 255}, {"kvm", "aarch64", 3, 2048, 3}, {"qemu", "aarch64", 1, 2048, 1}} {
		hw := engine.Hardware{Type: c.kind, Arch: c.arch, Name: "core01", UUID: "1c0b0ed3-8e5e-5b4e-9c0c-000000000001", RAM: c.ram, VCPU: c.vcpu, MAC: "52:54:00:d2:b8:64", Link: engine.Link{Bridge: "br0"}}
		text, err := define(shipped(t), hw, &engine.Metadata{})
		if err != nil {
			t.Fatal(err)
		}
		var domain libvirtxml.Domain
		if err := domain.Unmarshal(text); err != nil {
			t.Fatal(err)
		}
		is := domain.CPU.Topology
		if is == nil || is.Threads != 1 || is.Sockets*is.Cores != c.cores || int(domain.VCPU.Value) != c.cores || int(domain.VCPU.Current) != c.vcpu {
			t.Errorf("%+v: got %+v of %+v", c, is, domain.VCPU)
		}
	}
}

func TestDefineOtherHardware(t *testing.T) {
	hw := engine.Hardware{Type: "qemu", Arch: "aarch64", Firmware: "efi", Name: "core01", UUID: "1c0b0ed3-8e5e-5b4e-9c0c-000000000001", RAM: 1024, VCPU: 2, MAC: "52:54:00:d2:b8:64"}
	text, err := define(shipped(t), hw, &engine.Metadata{})
	if err != nil {
		t.Fatal(err)
	}
	var domain libvirtxml.Domain
	if err := domain.Unmarshal(text); err != nil {
		t.Fatal(err)
	}
	features := domain.OS.FirmwareInfo.Features
	if domain.OS.Firmware != "efi" || domain.OS.Type.Machine != "virt" || domain.OS.Type.Arch != "aarch64" || domain.Features.APIC != nil ||
		len(features) != 1 || features[0].Name != "secure-boot" || features[0].Enabled != "no" {
		t.Errorf("got %+v", domain.OS)
	}
	if domain.MaximumMemory != nil || domain.CPU.Numa != nil || domain.CPU.Mode != "maximum" || domain.VCPU.Value != 2 {
		t.Errorf("nothing is plugged into aarch64: got %+v, %+v", domain.CPU, domain.VCPU)
	}
}

func TestParseDomain(t *testing.T) {
	text := `<domain type="kvm"><name>x</name><uuid>1c0b0ed3-8e5e-5b4e-9c0c-000000000001</uuid><metadata>
		<o:os xmlns:o="urn:other"><o:node workspace="/wrong"/></o:os>
		<c:node xmlns:c="urn:coreos-libvirt:node:1" workspace="/w &amp; x" cluster="core" number="2"/></metadata>
		<devices><disk type="file"><source file="/a.qcow2"/></disk><disk type="block"><source dev="/dev/sda"/></disk>
		<interface type="bridge"><mac address="52:54:00:00:00:01"/></interface></devices></domain>`
	d, err := Parse(text)
	if err != nil || d.Metadata == nil || d.Metadata.Workspace != "/w & x" || d.Metadata.Number != 2 ||
		len(d.Disks) != 1 || d.Disks[0] != "/a.qcow2" || len(d.MACs) != 1 || d.MACs[0] != "52:54:00:00:00:01" {
		t.Errorf("got %+v with %+v, %v", d, d.Metadata, err)
	}
	if d, err := Parse("<domain><name>y</name></domain>"); err != nil || d.Metadata != nil {
		t.Errorf("got %+v, %v", d, err)
	}
	if _, err := Parse("<domain"); err == nil {
		t.Error("no XML must be an error")
	}
}

func TestDefineRefuses(t *testing.T) {
	whole := shipped(t)
	for name, tmpl := range map[string]string{
		"broken template": "{{if}}",
		"unknown field":   "{{.Nome}}",
		"no XML":          "{{.Name}}",
		"no metadata":     strings.ReplaceAll(whole, "{{.Metadata}}", ""),
		"another name":    strings.ReplaceAll(whole, "{{.Name}}", "x"),
	} {
		if _, err := define(tmpl, engine.Hardware{Type: "kvm", Name: "core01"}, &engine.Metadata{}); err == nil || !strings.Contains(err.Error(), "templates/domain.xml.tmpl") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
