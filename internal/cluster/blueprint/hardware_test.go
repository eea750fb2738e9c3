package blueprint

import (
	"strings"
	"testing"

	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/config/transpile"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/image/stream"
)

func TestFirmwareAndIgnitionKey(t *testing.T) {
	fcos := stream.Image{OS: "fcos", Version: "43.1.3.0"}
	for name, c := range map[string]struct {
		arch, firmware, variant string
		on                      base.Image
		with, without           string // the firmware, on a host that has UEFI and on one that has none
		key                     string
	}{
		"fcos":                         {"x86_64", "auto", "fcos", base.Image{Image: fcos}, "bios", "bios", coreosKey},
		"fcos, uefi":                   {"x86_64", "uefi", "fcos", base.Image{Image: fcos}, "uefi", "uefi", coreosKey},
		"fcos on ARM":                  {"aarch64", "auto", "fcos", base.Image{Image: fcos}, "uefi", "uefi", coreosKey},
		"an old Flatcar":               {"x86_64", "auto", "flatcar", base.Image{Image: stream.Image{OS: "flatcar", Version: "3815.2.0"}}, "uefi", "bios", flatcarKey},
		"a Flatcar":                    {"x86_64", "auto", "flatcar", base.Image{Image: stream.Image{OS: "flatcar", Version: "4593.1.0"}}, "uefi", "bios", flatcarKey},
		"a Flatcar on ARM":             {"aarch64", "auto", "flatcar", base.Image{Image: stream.Image{OS: "flatcar", Version: "4593.1.0"}}, "uefi", "uefi", flatcarKey},
		"a Flatcar, bios":              {"x86_64", "bios", "flatcar", base.Image{Image: stream.Image{OS: "flatcar", Version: "4593.1.0"}}, "bios", "bios", flatcarKey},
		"a file, by its name":          {"x86_64", "auto", "", base.Image{Path: "/srv/flatcar_production_qemu_image.img"}, "uefi", "bios", flatcarKey},
		"a file, by its name, fcos":    {"x86_64", "auto", "flatcar", base.Image{Path: "/srv/fcos-43.qcow2"}, "bios", "bios", coreosKey},
		"a file, by the config":        {"x86_64", "auto", "flatcar", base.Image{Path: "/srv/my.qcow2"}, "uefi", "bios", flatcarKey},
		"a file, by the config, fcos":  {"x86_64", "auto", "fcos", base.Image{Path: "/srv/my.qcow2"}, "bios", "bios", coreosKey},
		"what the record tells counts": {"x86_64", "auto", "flatcar", base.Image{Path: "/srv/flatcar.qcow2", Image: fcos}, "bios", "bios", coreosKey},
	} {
		m, system := Machine{Arch: c.arch, Firmware: c.firmware}, SystemOn(c.on, config.Source{Common: transpile.Template{Variant: c.variant}}.System())
		if with, without := m.FirmwareOn(system, uefi(true)), m.FirmwareOn(system, uefi(false)); with != c.with || without != c.without {
			t.Errorf("%s: firmware %s, and %s on a host without UEFI", name, with, without)
		}
		if got := IgnitionKey(system); got != c.key {
			t.Errorf("%s: key %s", name, got)
		}
	}
}

func uefi(has bool) func(string) bool { return func(string) bool { return has } }

func TestFirmwareThatThereIsNot(t *testing.T) {
	for _, c := range []struct {
		arch, firmware string
		has            bool
		want           string
	}{
		{"x86_64", "bios", false, ""},
		{"x86_64", "uefi", true, ""},
		{"x86_64", "uefi", false, "finds no UEFI on this host\nhint: install it (Debian: apt-get install ovmf; Fedora: dnf install edk2-ovmf), or firmware=bios"},
		{"aarch64", "uefi", true, ""},
		{"aarch64", "uefi", false, "finds none for it on this host\nhint: install it (Debian: apt-get install qemu-efi-aarch64"},
		{"aarch64", "bios", true, "arch=aarch64 has only UEFI\nhint: firmware=auto"},
	} {
		err := checkFirmware(engine.Hardware{Arch: c.arch}.WithFirmware(c.firmware), uefi(c.has))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v", c, err)
		}
	}
}
