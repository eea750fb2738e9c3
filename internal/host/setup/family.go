package setup

import (
	"os"
	"runtime"
	"slices"
	"strings"

	"coreos-libvirt/internal/host/step"
	"coreos-libvirt/internal/terminal/hint"
)

// family is what distributions that are alike call things.
type family struct {
	manager  string
	packages []string
	session  []string // more, for a bridge in a user's own libvirt
	network  []string // more, for a network of libvirt's own: its DHCP server, and its definition
	units    []string // of libvirt; with socket activation, where there is any
	helper   string   // QEMU's program that plugs a user's guest in a bridge
	acl      string   // its access list
}

// families by the words of /etc/os-release. gcc is for libvirt's binding.
var families = map[string]family{
	"debian": {
		"apt",
		[]string{"libvirt-daemon-system", "libvirt-clients", "libvirt0", machine("qemu-system-x86", "qemu-system-arm"), "qemu-utils", machine("ovmf", "qemu-efi-aarch64"), "openssh-client", "xz-utils", "acl", "gcc", "libc6-dev"},
		[]string{"qemu-system-common"},
		[]string{"dnsmasq-base", "iptables"},
		[]string{"libvirtd.socket"},
		"usr/lib/qemu/qemu-bridge-helper", "etc/qemu/bridge.conf",
	},
	"fedora": {
		"dnf",
		[]string{"libvirt-daemon-kvm", "libvirt-client", "qemu-img", machine("edk2-ovmf", "edk2-aarch64"), "openssh-clients", "xz", "acl", "gcc"},
		nil,
		[]string{"libvirt-daemon-config-network"},
		modular,
		"usr/libexec/qemu-bridge-helper", "etc/qemu/bridge.conf",
	},
	"rhel": {
		"dnf",
		[]string{"libvirt-daemon-kvm", "libvirt-client", "qemu-img", machine("edk2-ovmf", "edk2-aarch64"), "openssh-clients", "xz", "acl", "gcc"},
		nil,
		[]string{"libvirt-daemon-config-network"},
		modular,
		"usr/libexec/qemu-bridge-helper", "etc/qemu-kvm/bridge.conf",
	},
	"suse": {
		"zypper",
		[]string{"libvirt-daemon-qemu", "libvirt-client", machine("qemu-x86", "qemu-arm"), "qemu-tools", machine("qemu-ovmf-x86_64", "qemu-uefi-aarch64"), "openssh-clients", "xz", "acl", "gcc"},
		nil,
		[]string{"libvirt-daemon-config-network"},
		modular,
		"usr/lib/qemu-bridge-helper", "etc/qemu/bridge.conf",
	},
	"arch": {
		"pacman",
		[]string{"libvirt", "qemu-base", "edk2-ovmf", "openssh", "xz", "acl", "gcc"},
		nil,
		[]string{"dnsmasq", "iptables-nft"},
		[]string{"libvirtd.socket"},
		"usr/lib/qemu/qemu-bridge-helper", "etc/qemu/bridge.conf",
	},
}

// modular are libvirt's daemons, one a driver, that have taken libvirtd's place (https://libvirt.org/daemons.html).
var modular = []string{"virtqemud.socket", "virtnetworkd.socket", "virtlogd.socket", "virtproxyd.socket"}

func machine(x86, arm string) string {
	if runtime.GOARCH == "arm64" {
		return arm
	}
	return x86
}

// familyOf finds out what the machine's distribution is like, by ID, then by ID_LIKE (os-release(5)).
func familyOf(m step.Machine) (family, error) {
	text, err := os.ReadFile(m.Root.Path("etc/os-release"))
	if err != nil {
		return family{}, err
	}
	words := map[string]string{}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		words[key] = strings.Trim(value, `"'`)
	}
	names := append([]string{words["ID"]}, strings.Fields(words["ID_LIKE"])...)
	aliases := map[string]string{"ubuntu": "debian", "centos": "rhel", "opensuse": "suse"}
	for _, name := range names {
		if alias, ok := aliases[name]; ok {
			name = alias
		}
		if f, known := families[name]; known {
			return f, nil
		}
	}
	known := []string{"arch", "debian", "fedora", "rhel", "suse", "ubuntu"}
	return family{}, hint.Errorf("install libvirt with its QEMU driver, qemu-img and a C compiler by hand: docs/host.md",
		"the packages of %s are not known, only those of %s", strings.Join(slices.DeleteFunc(names, func(s string) bool { return s == "" }), ", "), strings.Join(known, ", "))
}
