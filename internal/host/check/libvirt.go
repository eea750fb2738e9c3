package check

import (
	"net/url"
	"strings"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/terminal/hint"
)

// Libvirt is the one that is to run the nodes.
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

// Advice is what to do if there is no libvirt to talk to there: join the group that may, if the user is not in it; else a set-up.
// there is the host that it is on, if that is another.
func Advice(uri, there string, session bool) string {
	switch {
	case there != "" && strings.Contains(uri, "+ssh:"):
		return "`" + sshTo(there, uri) + " virsh version` must work without a question: that takes a key, a known host (ssh once by hand), a user who may use libvirt there, and libvirt's daemon (Debian: libvirt-daemon-system)"
	case there != "":
		return "libvirt's daemon on that host must listen to that: https://libvirt.org/remote.html; qemu+ssh:// needs no more than ssh"
	case !strings.HasPrefix(uri, "qemu"):
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

// sshTo is how one gets to the host of the URI by hand.
func sshTo(name, uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return "ssh " + name
	}
	if user := u.User.Username(); user != "" {
		name = user + "@" + name
	}
	if port := u.Port(); port != "" {
		return "ssh -p " + port + " " + name
	}
	return "ssh " + name
}
