// Package lab is a private copy of the world that the project is for, on one machine: a host with a
// bridge on a physical network, a DHCP server on that network, and libvirt on the host. Host and
// network are namespaces; a libvirt of the real host goes on undisturbed. Guests are emulated.
package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// The lab's network. Each lab has it for itself, so it is the same in all.
const (
	Bridge     = "br0"
	hostCIDR   = "10.77.0.2/24" // the host's address, on the bridge
	serverCIDR = "10.77.0.1/24" // the DHCP server's
	leaseRange = "10.77.0.100,10.77.0.200,1h"
)

// Packages are the Debian packages that the lab needs, without what they recommend.
var Packages = []string{
	"gcc", "libc6-dev", // for cgo: libvirt's binding
	"libvirt0", "libvirt-daemon", "libvirt-daemon-driver-qemu", "libvirt-clients",
	"qemu-system-x86", "qemu-utils", "seabios", "ovmf", "ipxe-qemu",
	"dnsmasq-base", "iproute2", "util-linux", "mount", "openssh-client", "xz-utils",
}

// World is the lab of one workspace.
type World struct {
	id    string // six hex digits of the workspace's path
	dir   string // state: pids, logs, leases, libvirt's configuration
	cache string // outlives the lab
	disks string // of its hypervisors, a folder each
	store string // of images, also seen inside
	lock  string // in the workspace: nothing of the lab stays elsewhere

	host, dhcp, dns, virtlogd, libvirtd daemon
}

// New is the lab of the workspace. What it learns that outlives it (what QEMU can do) goes to cache. The
// store of images is the same inside.
func New(workspace, cache, store string) *World {
	sum := sha256.Sum256([]byte(workspace))
	id := hex.EncodeToString(sum[:3])
	dir := filepath.Join("/run/coreos-libvirt-lab", id)
	w := &World{id: id, dir: dir, cache: filepath.Join(cache, "lab-libvirt"), disks: filepath.Join(cache, "lab-hosts", id), store: store, lock: filepath.Join(workspace, "vm", ".lock._lab")} // no prefix is _lab
	for name, d := range map[string]*daemon{"host": &w.host, "dhcp": &w.dhcp, "dns": &w.dns, "virtlogd": &w.virtlogd, "libvirtd": &w.libvirtd} {
		*d = daemon{name: name, dir: dir}
	}
	return w
}

// Up makes what is missing of the lab, with so many hypervisors and those that it has already, and says a line for each thing that it makes.
func (w *World) Up(ctx context.Context, hypervisors int, say func(format string, args ...any)) error {
	if os.Getuid() != 0 {
		return hint.Errorf(host.Sudo("mage lab"), "the lab makes namespaces and needs root")
	}
	unlock, err := artifact.Lock(ctx, w.lock, func() { say("lab: waiting for another run to make it") })
	if err != nil {
		return err
	}
	defer unlock()
	if !w.host.alive() {
		if err := w.end(); err != nil { // what an earlier host left makes no lab; its hypervisors boot again
			return err
		}
	}
	for _, part := range []struct {
		daemon *daemon
		start  func(context.Context) error
		made   string
	}{
		{&w.host, w.startHost, "a host of its own, bridge " + Bridge + " " + hostCIDR},
		{&w.dhcp, w.startDHCP, "DHCP server on the network outside, " + leaseRange},
		{&w.dns, w.startDNS, "name server there"},
		{&w.virtlogd, w.startVirtlogd, "virtlogd"},
		{&w.libvirtd, w.startLibvirtd, "libvirtd"},
	} {
		if part.daemon.alive() {
			continue
		}
		if err := part.start(ctx); err != nil {
			return fmt.Errorf("lab: %s: %w", part.daemon.name, err)
		}
		say("lab %s: %s", w.id, part.made)
	}
	return w.startHosts(ctx, hypervisors, say)
}

// Command is a program run inside the lab, in the current folder. The caller sets its streams and
// environment.
func (w *World) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	here, err := os.Getwd()
	if err != nil {
		here = "/"
	}
	// entering a mount namespace loses the folder (setns(2)): go back to it there
	inside := append([]string{"sh", "-c", `cd "$0" && exec "$@"`, here, name}, args...)
	return w.enter(ctx, inside...)
}

func (w *World) enter(ctx context.Context, argv ...string) *exec.Cmd {
	args := append([]string{"--target", fmt.Sprint(w.host.pid()), "--mount", "--net", "--"}, argv...)
	return exec.CommandContext(ctx, "nsenter", args...)
}

// Down takes the lab apart: its guests, daemons, namespaces and state. It succeeds when there is nothing.
func (w *World) Down(ctx context.Context, say func(format string, args ...any)) error {
	if os.Getuid() != 0 {
		return hint.Errorf(host.Sudo("mage labdown"), "the lab was made by root")
	}
	unlock, err := artifact.Lock(ctx, w.lock, func() { say("lab: waiting for another run to end") })
	if err != nil {
		return err
	}
	defer unlock()
	if !isThere(w.dir) && !isThere(w.disks) {
		say("lab %s: there is none", w.id)
		return nil
	}
	if err := w.end(); err != nil {
		return err
	}
	if err := os.RemoveAll(w.disks); err != nil {
		return err
	}
	_ = os.Remove(filepath.Dir(w.disks)) // unless another lab has hypervisors
	say("lab %s: taken apart", w.id)
	return nil
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// State is the folder of the lab's state.
func (w *World) State() string { return w.dir }

// Leases is the file of the DHCP server's leases (dnsmasq's format: expiry, MAC, address, name, id).
func (w *World) Leases() string { return filepath.Join(w.dir, "leases") }
