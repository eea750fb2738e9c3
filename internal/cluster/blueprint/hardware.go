package blueprint

import (
	"cmp"
	"os/user"
	"path"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// Ignition reads exactly one of these fw_cfg keys (its docs, "supported platforms": qemu).
const (
	coreosKey  = "opt/com.coreos/config"
	flatcarKey = "opt/org.flatcar-linux/config"
)

// Machine is what the user wants each node's machine to be.
type Machine struct {
	Arch     string // x86_64 or aarch64
	Accel    string // kvm, tcg or auto
	Firmware string // bios, uefi or auto
	RAM      int    // MiB
	VCPU     int
	Disk     int // GiB; 0 if the image decides
	Link     engine.Link
	Disks    string // further ones, as engine.DisksText has them; empty: as a node has them
	Networks string // of further cards, as engine.LinksText has them; empty: as a node has them
}

// DomainType is libvirt's word for the accelerator: its "qemu" is QEMU's TCG.
func (m Machine) DomainType(on engine.Engine) string {
	if m.Accel == "tcg" || m.Accel == "auto" && !engine.HostOf(on).HasKVM(m.Arch) {
		return "qemu"
	}
	return "kvm"
}

// FirmwareOn is what a node is made for whose image has that system. Flatcar's images of every version boot by both
// (flatcar/scripts, build_library/disk_layout.json: a BIOS-BOOT and an EFI-SYSTEM partition), and their makers test UEFI; so
// BIOS is for hosts that have no other.
func (m Machine) FirmwareOn(system string, hasUEFI func(arch string) bool) string {
	switch {
	case m.Firmware != "auto":
		return m.Firmware
	case m.Arch == "aarch64", system == "flatcar" && hasUEFI(m.Arch):
		return engine.UEFI
	}
	return engine.BIOS
}

// givenFirmware is what the user says; empty is nothing.
func (m Machine) givenFirmware() string {
	if m.Firmware == "auto" {
		return ""
	}
	return m.Firmware
}

// IgnitionKey is where Ignition looks for its document on the system.
func IgnitionKey(system string) string {
	if system == "flatcar" {
		return flatcarKey
	}
	return coreosKey
}

// SystemOn is the system on the image, as the image says, or else the config by its variant.
func SystemOn(on base.Image, config string) string { return cmp.Or(on.System(), config) }

// hardware is the node's, on the image.
func (d Drafter) hardware(node workspace.Node, on base.Image, further engine.Further) engine.Hardware {
	m, system := d.Recipes[node.Name].Machine, SystemOn(on, d.Recipes[node.Name].System)
	hw := engine.Hardware{
		Type: m.DomainType(d.Engine), Arch: m.Arch, Name: node.Name, UUID: node.UUID,
		RAM: m.RAM, VCPU: m.VCPU, MAC: node.MAC,
		Link:     m.Link,
		Files:    d.Engine.Disks().Seen(node.Files()),
		Channels: engine.Channels{ReadyChannel: guest.ReadyChannel, JournalChannel: guest.JournalChannel, Sockets: sockets(d.Place.On(d.Recipes[node.Name].Host), node)},
	}
	hw.IgnitionKey, hw.Further = IgnitionKey(system), further
	return hw.WithFirmware(m.FirmwareOn(system, engine.HostOf(d.Engine).HasUEFI))
}

// kept is what a node has that is kept: on its own image, and with the firmware that its disk was made for, whatever would be
// chosen by now. Boot entries, the boot loader's own variables and Ignition's boot partition are that one's.
func (d Drafter) kept(node workspace.Node, found plan.Found, want engine.Metadata) engine.Hardware {
	further := d.further(node, plan.CompareDisks(madeFrom(found).Disks, want.Disks).Keeps, want.Networks)
	return d.hardware(node, d.imageOf(node, found), further).WithFirmware(found.Firmware()).WithArch(found.Domain.Arch)
}

// imageOf is the image that the node was made on. A node that is kept needs the firmware and the Ignition key of that image,
// whatever image= is now.
func (d Drafter) imageOf(node workspace.Node, found plan.Found) base.Image {
	own, have := d.Recipes[node.Name].Base, madeFrom(found)
	if have.Base == "" || have.Base == own.Path {
		return own
	}
	return d.BaseAt(have.Base)
}

// madeFrom is what the node was made from, as far as that is known.
func madeFrom(found plan.Found) (have engine.Metadata) {
	switch {
	case found.Defined && found.Domain.Metadata != nil:
		return *found.Domain.Metadata
	case found.Made != nil:
		return *found.Made
	}
	return have
}

// further are the node's further disks, and its cards on the networks.
func (d Drafter) further(node workspace.Node, disks []engine.FurtherDisk, networks string) (further engine.Further) {
	seen := d.Engine.Disks().Seen(node.Files())
	for _, disk := range disks {
		disk.File = seen.Further(disk.Name)
		further.Disks = append(further.Disks, disk)
	}
	for i, link := range engine.LinksOf(networks) {
		further.Cards = append(further.Cards, engine.Card{MAC: workspace.CardMAC(node.Name, i+1), Link: link})
	}
	return further
}

// checkFirmware refuses what no machine has, and what this one has not.
func checkFirmware(hw engine.Hardware, hasUEFI func(arch string) bool) error {
	uefi := hw.FirmwareWord() == engine.UEFI
	switch {
	case hw.Arch == "aarch64" && !uefi:
		return hint.Errorf("firmware=auto", "firmware=bios: arch=aarch64 has only UEFI")
	case !uefi || hasUEFI(hw.Arch):
		return nil
	case hw.Arch == "aarch64":
		return hint.Errorf("install it (Debian: apt-get install qemu-efi-aarch64; Fedora: dnf install edk2-aarch64)", "arch=aarch64 boots by UEFI, and libvirt finds none for it on this host")
	}
	return hint.Errorf("install it (Debian: apt-get install ovmf; Fedora: dnf install edk2-ovmf), or firmware=bios", "firmware=uefi: libvirt finds no UEFI on this host")
}

// sockets is where the node's channels have their sockets, if not where libvirt puts them: below the home of a user's own
// libvirt, which is too long a path for a socket if the home's is long (unix(7): 107 bytes). libvirt takes the first 20
// characters of a name.
func sockets(where engine.Where, node workspace.Node) string {
	me, err := user.Current()
	if err != nil || !where.IsSession() {
		return ""
	}
	short := node.Name[:min(len(node.Name), 20)]
	longest := path.Join(me.HomeDir, ".config/libvirt/qemu/channel/target/domain-9999-"+short, guest.JournalChannel)
	if len(longest) <= 107 {
		return ""
	}
	return path.Join("/run/user", me.Uid, node.Name)
}
