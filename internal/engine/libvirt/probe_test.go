//go:build cgo && libvirt_dlopen

package libvirt

import (
	"strings"
	"testing"

	"libvirt.org/go/libvirt"
	"libvirt.org/go/libvirtxml"
)

// What libvirt refuses at once: ACPI on arm without UEFI.
func TestProbeXML(t *testing.T) {
	for arch, machine := range map[string]string{"x86_64": "q35", "aarch64": "virt"} {
		text, err := probe(arch)
		if err != nil {
			t.Fatal(err)
		}
		d := libvirtxml.Domain{}
		if err := d.Unmarshal(text); err != nil {
			t.Fatal(err)
		}
		acpi := d.Features != nil && d.Features.ACPI != nil
		if d.Type != "kvm" || d.OS.Type.Arch != arch || d.OS.Type.Machine != machine || acpi != (arch == "x86_64") || d.CPU.Mode != "host-passthrough" || d.OS.Firmware != "" || len(d.Devices.Disks) != 0 {
			t.Errorf("%s: got %s", arch, text)
		}
	}
}

// libvirt's in-process driver has no KVM to probe.
func TestProbeWithoutKVM(t *testing.T) {
	if err := open(t).ProbeKVM("x86_64"); err == nil || !strings.Contains(err.Error(), "does not start: ") || !strings.Contains(err.Error(), "\nhint: ") {
		t.Errorf("got %v", err)
	}
}

// The states of a domain whose processor KVM could not run, as QEMU leaves it: stopped, or gone.
func TestHalted(t *testing.T) {
	for state, fault := range map[libvirt.DomainState]bool{
		libvirt.DOMAIN_RUNNING: false, libvirt.DOMAIN_BLOCKED: false, libvirt.DOMAIN_PAUSED: true, libvirt.DOMAIN_CRASHED: true, libvirt.DOMAIN_SHUTOFF: true,
	} {
		if err := halted(state, 0); (err != nil) != fault || fault && !strings.Contains(err.Error(), "accel=tcg") {
			t.Errorf("%d: got %v", state, err)
		}
	}
}
