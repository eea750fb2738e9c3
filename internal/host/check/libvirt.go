package check

import (
	"strings"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/terminal/hint"
)

// Libvirt is the one that shall run the nodes.
type Libvirt struct {
	URI      string
	Session  bool // whether it is the user's own
	Emulated bool // whether the nodes do without KVM
	Open     func() (Daemon, error)
}

// Daemon is what libvirt says of itself and of the machine.
type Daemon interface {
	Version() (major, minor, release uint32, err error)
	QEMUVersion() (major, minor, release uint32, err error)
	HasKVM(arch string) bool
	Probe(accel, arch, dir string) error // dir: QEMU reaches it
}

// rights makes sure that the user may use libvirt, or if it is the user's own, KVM.
func (l Libvirt) rights() (string, error) {
	if !l.Session {
		return host.InGroup("libvirt")
	}
	if l.Emulated {
		return "a libvirt of the user's own, accel=tcg", nil
	}
	return root.Device("dev/kvm", "kvm")
}

// Advice is what to do if there is no libvirt to talk to at the URI: join the group that may, if the user is not in it;
// else a set-up.
func Advice(uri string, session bool) string {
	if !strings.HasPrefix(uri, "qemu") {
		return "uri= names another"
	}
	if !session {
		if _, err := host.InGroup("libvirt"); err != nil {
			_, advice, _ := strings.Cut(err.Error(), "\nhint: ")
			return advice
		}
	}
	return "`mage host:setup` shows what is missing, `systemctl start libvirtd` is enough if it is only stopped; `mage lab up` brings one of its own"
}

// daemon makes sure that libvirt answers and knows fw_cfg.
func (l Libvirt) daemon() (string, error) {
	daemon, err := l.Open()
	if err != nil {
		return "", err
	}
	major, minor, release, err := daemon.Version()
	if err != nil {
		return "", err
	}
	version, err := host.LibvirtVersion(major, minor, release)
	return l.URI + ", " + version, err
}

// qemu makes sure of a QEMU that the nodes can get their Ignition documents from.
func (l Libvirt) qemu() (string, error) {
	daemon, err := l.Open()
	if err != nil {
		return "", errNoLibvirt
	}
	major, minor, release, err := daemon.QEMUVersion()
	if err != nil {
		return "", hint.Add(err, host.Sudo("mage host:setup apply=true"))
	}
	return host.QEMUVersion(major, minor, release)
}

var errNoLibvirt = hint.Errorf("libvirt first, see above", "not looked at: there is no libvirt to ask")

// kvm makes sure that KVM works, unless the nodes are to be emulated.
func (n Nodes) kvm() (string, error) {
	if n.Emulated {
		return "not used: accel=tcg", nil
	}
	daemon, err := n.Open()
	if err != nil {
		return "", errNoLibvirt
	}
	return "a domain runs 64-bit code with it", n.KVM.Try(daemon)
}
