// Package engine describes the machines that an engine runs, in plain values: what a machine is made of, what an engine
// says that it has, and what the project notes in it. Which engine that is, nothing here knows.
package engine

import "cmp"

// Hardware is what one node's machine is made of.
type Hardware struct {
	Type     string // kvm or qemu
	Arch     string // x86_64 or aarch64
	Firmware string // efi, or empty for BIOS
	Name     string
	UUID     string
	RAM      int // MiB
	VCPU     int
	MAC      string
	Link
	Files
	Channels
	Further
}

// Link is what a node's network card is plugged into: one of these.
type Link struct {
	Bridge  string // of the host
	Network string // of libvirt; or empty
	Direct  string // a card that is shared by macvtap; or empty
}

// String is the name of what the card is plugged into.
func (l Link) String() string { return cmp.Or(l.Direct, l.Network, l.Bridge) }

// Files are the paths of a node's files, as the engine sees them.
type Files struct {
	IgnitionKey string // the fw_cfg key under which Ignition looks: opt/com.coreos/config, or Flatcar's
	Ignition    string
	Overlay     string
	Console     string
	Owner       string // the node's UUID: two workspaces may have nodes, and files, of the same names
}

// Channels are the virtio channels on which a node reports.
type Channels struct {
	ReadyChannel   string // name
	JournalChannel string // name
	Sockets        string // the path that the channels' sockets begin with; if empty, the engine chooses
}

// The firmwares, in firmware='s words.
const (
	BIOS = "bios"
	UEFI = "uefi"
)

// EFI is libvirt's word for a UEFI that it then finds by itself.
const EFI = "efi"

// FirmwareWord is the hardware's firmware in firmware='s words.
func (hw Hardware) FirmwareWord() string {
	if hw.Firmware == EFI {
		return UEFI
	}
	return BIOS
}

// WithArch is the hardware with another processor. An empty word changes nothing.
func (hw Hardware) WithArch(arch string) Hardware {
	hw.Arch = cmp.Or(arch, hw.Arch)
	return hw
}

// WithFirmware is the hardware with a firmware in firmware='s words. An empty word changes nothing.
func (hw Hardware) WithFirmware(word string) Hardware {
	switch word {
	case UEFI:
		hw.Firmware = EFI
	case BIOS:
		hw.Firmware = ""
	}
	return hw
}
