package domainxml

import (
	"testing"

	"libvirt.org/go/libvirtxml"
)

func TestOffersUEFI(t *testing.T) {
	caps := func(firmware string) string {
		return "<domainCapabilities><path>/usr/bin/qemu-system-x86_64</path><domain>qemu</domain><arch>x86_64</arch><os supported='yes'>" +
			firmware + "<loader supported='yes'><value>/usr/share/OVMF/OVMF_CODE_4M.fd</value><enum name='type'><value>rom</value><value>pflash</value></enum></loader></os></domainCapabilities>"
	}
	for text, want := range map[string]bool{
		caps("<enum name='firmware'><value>efi</value></enum>"):                    true,
		caps("<enum name='firmware'><value>bios</value><value>efi</value></enum>"): true,
		caps("<enum name='firmware'/>"):                                            false,
		caps("<enum name='firmware'><value>bios</value></enum>"):                   false,
		caps(""): true,
	} {
		if got, err := OffersUEFI(text); got != want || err != nil {
			t.Errorf("%s: got %t, %v", text, got, err)
		}
	}
}

// What libvirt refuses at once: ACPI on arm without UEFI.
func TestProbeXML(t *testing.T) {
	for arch, machine := range map[string]string{"x86_64": "q35", "aarch64": "virt"} {
		text, err := Probe("probe", "kvm", arch, "/store/.kvm-probe-1")
		if err != nil {
			t.Fatal(err)
		}
		d := libvirtxml.Domain{}
		if err := d.Unmarshal(text); err != nil {
			t.Fatal(err)
		}
		acpi := d.Features != nil && d.Features.ACPI != nil
		if d.Type != "kvm" || d.OS.Type.Arch != arch || d.OS.Type.Machine != machine || acpi != (arch == "x86_64") || d.CPU.Mode != "host-passthrough" || d.OS.Firmware != "" || d.OS.Kernel != "/store/.kvm-probe-1" || len(d.Devices.Disks) != 0 {
			t.Errorf("%s: got %s", arch, text)
		}
	}
}
