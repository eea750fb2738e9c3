package cluster

import (
	"os"
	"strings"
	"testing"

	"libvirt.org/go/libvirtxml"
)

func TestNodes(t *testing.T) {
	nodes := Nodes("/w/vm", "kvm-core", 100)
	for i, want := range map[int]struct{ name, mac string }{
		0: {"kvm-core01", "52:54:00:86:6a:e4"}, 1: {"kvm-core02", "52:54:00:7d:89:21"}, 2: {"kvm-core03", "52:54:00:3a:c4:56"},
		98: {"kvm-core99", ""}, 99: {"kvm-core100", ""},
	} {
		if n := nodes[i]; n.Name != want.name || n.Number != i+1 || want.mac != "" && n.MAC != want.mac {
			t.Errorf("got %+v, want %v", n, want)
		}
	}
	if again := Nodes("/w/vm", "kvm-core", 1)[0]; again != nodes[0] || again.UUID == Nodes("/other/vm", "kvm-core", 1)[0].UUID {
		t.Error("a node's UUID must be its own, the same every time")
	}
}

func TestForeign(t *testing.T) {
	nodes := Nodes("/w/vm", "core", 3)
	domains := map[string]Domain{
		"core01": {Name: "core01", Metadata: &Metadata{Workspace: "/w", Cluster: "core"}},
		"core02": {Name: "core02"},
		"core03": {Name: "core03", Metadata: &Metadata{Workspace: "/else", Cluster: "core"}},
		"core04": {Name: "core04"},
	}
	got := Foreign(nodes, domains, "/w", "core")
	if got == nil || strings.Contains(got.Error(), "core01") || strings.Contains(got.Error(), "core04") ||
		!strings.Contains(got.Error(), "core02: libvirt has a domain of this name that this project did not make") ||
		!strings.Contains(got.Error(), "core03: the domain belongs to the workspace /else") {
		t.Errorf("got %v", got)
	}
	delete(domains, "core03")
	if err := Foreign(nodes[:1], domains, "/w", "core"); err != nil {
		t.Error(err)
	}
	domains["core07"] = Domain{Name: "core07", Metadata: &Metadata{Workspace: "/else", Cluster: "core"}}
	if err := Foreign(nodes[:1], domains, "/w", "core"); err == nil || !strings.Contains(err.Error(), "core07: the domain belongs to the workspace /else") {
		t.Errorf("another workspace's cluster of this name, with more nodes: got %v", err)
	}
	if err := Foreign(nodes[:1], domains, "/w", "cor"); err == nil || !strings.Contains(err.Error(), "belongs to the cluster core") {
		t.Errorf("got %v", err)
	}
}

func TestPlan(t *testing.T) {
	node := Nodes("/w/vm", "core", 1)[0]
	want := Metadata{Ignition: "new", Base: "/base", Definition: "d"}
	same, edited, retyped := want, want, want
	edited.Ignition, retyped.Definition = "old", "old"
	used := Disk{Exists: true, Backing: "/base"}
	fresh := Disk{Exists: true, Backing: "/base", Pristine: true}
	for name, c := range map[string]struct {
		have   *Metadata
		state  State
		disk   Disk
		action Action
		why    string
		drift  string
	}{
		"nothing there":            {nil, "", Disk{}, Create, "new", ""},
		"killed before the domain": {nil, "", fresh, Create, "an overlay without a domain is made anew", ""},
		"the same":                 {&same, Running, used, Keep, "defined, unchanged", ""},
		"never booted, edited":     {&edited, ShutOff, fresh, Create, "ignition.json changed", ""},
		"booted, edited":           {&edited, ShutOff, used, Keep, "defined, unchanged", "ignition.json changed"},
		"running, edited":          {&edited, Running, used, Keep, "defined, unchanged", "ignition.json changed"},
		"other hardware":           {&retyped, Running, used, Redefine, "the domain's definition changed", ""},
		"overlay removed by hand":  {&same, ShutOff, Disk{}, Create, "its overlay is gone", ""},
		"paused, edited":           {&edited, Paused, fresh, Keep, "defined, unchanged", "ignition.json changed"},
		"crashed, edited":          {&edited, Crashed, fresh, Keep, "defined, unchanged", "ignition.json changed"},
		"domain removed by hand":   {nil, "", used, Redefine, "its domain is gone, its disk is kept", ""},
		"removed under a guest":    {&same, Running, Disk{}, Keep, "defined, unchanged", "its overlay is gone"},
		"overlay of another base":  {&same, ShutOff, Disk{Exists: true, Backing: "/x"}, Keep, "defined, unchanged", "its overlay stands on /x"},
	} {
		got := Plan(node, want, Found{Domain: Domain{Name: "core01", State: c.state, Metadata: c.have}, Defined: c.have != nil, Disk: c.disk})
		if got.Action != c.action || got.Why != c.why || got.Drift != c.drift {
			t.Errorf("%s: got %s (%s), drift %q", name, got.Action, got.Why, got.Drift)
		}
		if c.drift != "" && got.Want.Ignition != c.have.Ignition {
			t.Errorf("%s: a node that is not made anew must keep the digest it was made from", name)
		}
	}
}

func shipped(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../templates/domain.xml.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestDefine(t *testing.T) {
	hw := Hardware{
		Type: "kvm", Arch: "x86_64", Name: "core01", UUID: "1c0b0ed3-8e5e-5b4e-9c0c-000000000001", RAM: 1024, VCPU: 2,
		IgnitionKey: "opt/com.coreos/config", Ignition: "/w & <o>'/ignition.json", Overlay: "/w/core01.qcow2", Console: "/w/console.log",
		MAC: "52:54:00:d2:b8:64", Bridge: "br0", ReadyChannel: "org.coreos.ready",
	}
	meta := Metadata{Workspace: "/w & <o>'", Cluster: "core", Number: 1, Ignition: "aa", Base: "/b"}
	text, err := Define(shipped(t), hw, &meta)
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
	parsed, err := ParseDomain(text)
	if want := (Machine{VCPUs: 2, MaxVCPUs: 16, FixedVCPUs: 2, Memory: 1024, MaxMemory: 16384, Slots: 8}); parsed.Machine != want {
		t.Errorf("got %+v", parsed.Machine)
	}
	back := parsed.Metadata
	if err != nil || back.Workspace != meta.Workspace || back.Definition != meta.Definition || len(back.Definition) != 64 {
		t.Errorf("metadata: got %+v, %v", back, err)
	}
	other := meta
	other.Ignition = "bb"
	if _, err := Define(shipped(t), hw, &other); err != nil || other.Definition != meta.Definition {
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
		hw := Hardware{Type: c.kind, Arch: c.arch, Name: "core01", UUID: "1c0b0ed3-8e5e-5b4e-9c0c-000000000001", RAM: c.ram, VCPU: c.vcpu, MAC: "52:54:00:d2:b8:64", Bridge: "br0"}
		text, err := Define(shipped(t), hw, &Metadata{})
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
	hw := Hardware{Type: "qemu", Arch: "aarch64", Firmware: "efi", Name: "core01", UUID: "1c0b0ed3-8e5e-5b4e-9c0c-000000000001", RAM: 1024, VCPU: 2, MAC: "52:54:00:d2:b8:64"}
	text, err := Define(shipped(t), hw, &Metadata{})
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
	d, err := ParseDomain(text)
	if err != nil || d.Metadata == nil || d.Metadata.Workspace != "/w & x" || d.Metadata.Number != 2 ||
		len(d.Disks) != 1 || d.Disks[0] != "/a.qcow2" || len(d.MACs) != 1 || d.MACs[0] != "52:54:00:00:00:01" {
		t.Errorf("got %+v with %+v, %v", d, d.Metadata, err)
	}
	if d, err := ParseDomain("<domain><name>y</name></domain>"); err != nil || d.Metadata != nil {
		t.Errorf("got %+v, %v", d, err)
	}
	if _, err := ParseDomain("<domain"); err == nil {
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
		if _, err := Define(tmpl, Hardware{Type: "kvm", Name: "core01"}, &Metadata{}); err == nil || !strings.Contains(err.Error(), "templates/domain.xml.tmpl") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
