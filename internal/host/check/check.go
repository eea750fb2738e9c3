// Package check looks, check by check, whether this machine can run the nodes: with values of a run, but without its settings.
package check

import (
	"context"
	"fmt"
	"os/exec"
	"os/user"
	"slices"
	"strings"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/terminal/hint"
)

const root = host.Root("/")

// Nodes are those that the machine is to run, as far as its checks need to know.
type Nodes struct {
	Libvirt
	Link
	Discovery
	KVM    KVM
	There  Elsewhere // the host that the nodes run on, if it is not this one
	Folder string    // of their files
	Store  string    // of their images
	Count  int       // that are to be started
	RAM    int       // MiB, of each, on average
	CoreOS int       // MiB, the least of a node whose image is Fedora CoreOS or Flatcar as their makers have it; 0 if there is none
}

// All are in the order in which their remedies make sense.
func (n Nodes) All() []host.Check {
	if n.There.Host != "" {
		return n.allThere()
	}
	checks := []host.Check{
		{Name: "programs", Run: Programs},
		{Name: "xz", Run: simple(xz)},
		{Name: "rights", Run: simple(n.rights)},
		{Name: "libvirt", Run: simple(n.daemon)},
		{Name: "QEMU", Run: simple(n.qemu)},
		{Name: "KVM", Run: simple(n.kvm)},
		{Name: "network", Run: simple(n.Look)},
		{Name: "packet filter", Run: n.filter},
		{Name: "discovery", Run: n.inbound},
		{Name: "routing", Run: simple(func() (string, error) { return root.Forwarding(n.Network != "") })},
		{Name: "vm/ for QEMU", Run: n.reachable(n.Folder)},
		{Name: "store for QEMU", Run: n.reachable(n.Store)},
		{Name: "confinement", Run: simple(func() (string, error) { return root.Confinement(n.Folder, n.Store) })},
		{Name: "disk space", Run: simple(n.space)},
		{Name: "store space", Run: simple(func() (string, error) { return host.Space(n.Store, host.Each, "a base image") })},
		{Name: "memory", Run: simple(n.memory)},
		{Name: "clock", Run: simple(host.Clock)},
	}
	return slices.Concat(checks, n.further(), n.bridgeHelper())
}

// Preflight are the checks that are quick, of what nodes would fail of.
func (n Nodes) Preflight() []host.Check {
	if n.There.Host != "" {
		return n.preflightThere()
	}
	checks := []host.Check{
		{Name: "programs", Run: Programs},
		{Name: "network", Run: simple(n.lookAhead)},
		{Name: "libvirt", Run: simple(n.daemon)},
		{Name: "packet filter", Run: warning(n.filter)},
		{Name: "vm/ for QEMU", Run: n.reachable(n.Folder)},
		{Name: "store for QEMU", Run: n.reachable(n.Store)},
		{Name: "disk space", Run: warning(simple(n.space))},
		{Name: "memory", Run: warning(simple(n.memory))},
		{Name: "ram=", Run: simple(func() (string, error) { return RAM(n.CoreOS, n.CoreOS > 0) })},
	}
	return append(checks, n.bridgeHelper()...)
}

// simple is a check that needs no context.
func simple(check func() (string, error)) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return check() }
}

// warning is a check whose error is no reason to stop.
func warning(check func(context.Context) (string, error)) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		found, err := check(ctx)
		return found, host.Warn(err)
	}
}

// Programs are those that targets run.
func Programs(context.Context) (string, error) {
	missing := []string{}
	for _, name := range []string{"qemu-img", "ssh"} {
		if _, err := exec.LookPath(name); err != nil {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return "", hint.Errorf(host.Sudo("mage host:setup apply=true"), "programs are missing: %s", strings.Join(missing, ", "))
	}
	return "qemu-img, ssh", nil
}

// xz looks for the program that unpacks Fedora CoreOS's images. Other images do without.
func xz() (string, error) {
	if _, err := exec.LookPath("xz"); err != nil {
		return "", host.Warn(hint.Errorf(host.Sudo("mage host:setup apply=true"), "xz is missing, which unpacks images of Fedora CoreOS"))
	}
	return "unpacks images", nil
}

// reachable looks whether QEMU gets to the folder.
func (n Nodes) reachable(folder string) func(context.Context) (string, error) {
	return simple(func() (string, error) { return host.Reaches(n.qemuUser(), folder) })
}

// qemuUser is whom QEMU runs as: libvirt's choice, or in a session the user.
func (n Nodes) qemuUser() string {
	if me, err := user.Current(); err == nil && n.Session {
		return me.Username
	}
	return root.QEMUUser()
}

func (n Nodes) space() (string, error) { return host.Space(n.Folder, n.Count*host.Each, "the nodes") }

func (n Nodes) memory() (string, error) { return root.Memory(n.Count, n.RAM) }

// leastRAM is the MiB below which both systems' initramfs may not be unpacked, or Ignition fetch what it is to fetch.
const leastRAM = 1024

// RAM warns of nodes with less memory than their system wants. Images that are not the makers' own may do with less.
func RAM(mib int, coreOS bool) (string, error) {
	if mib >= leastRAM || !coreOS {
		return "", nil
	}
	return "", host.Warn(hint.Errorf(fmt.Sprintf("ram=%d or more", leastRAM),
		"%d MiB are less than Fedora CoreOS and Flatcar are made for: a node may hang before Ignition, or kill programs", mib))
}
