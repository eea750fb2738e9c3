package lab

import (
	"context"
	_ "embed"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/google/uuid"

	"coreos-libvirt/internal/terminal/hint"
)

// hypervisorScript makes the inside of a hypervisor's namespaces, and is its first process.
//
//go:embed hypervisor.sh
var hypervisorScript string

// mostHosts is how many hypervisors have an address below the first that the DHCP server gives.
const mostHosts = 89

// Host is a hypervisor of the lab: a host of its own on the network outside, with a disk, libvirt and sshd, which the lab's own
// host reaches as any other does. Its names are hv1, hv2, …
type Host struct {
	world  *World
	number int
	daemon daemon
}

// Host is the hypervisor of that number, from 1, which need not be there.
func (w *World) Host(number int) Host {
	return Host{w, number, daemon{name: hostName(number), dir: w.dir}}
}

func hostName(number int) string { return fmt.Sprintf("hv%d", number) }

// numbered is the number of the hypervisor of that name, or 0.
func numbered(name string) int {
	digits, is := strings.CutPrefix(name, "hv")
	number, err := strconv.Atoi(digits)
	if !is || err != nil || hostName(number) != name {
		return 0
	}
	return number
}

// Name is how the lab's own host knows it: a word of ssh, and its host name.
func (h Host) Name() string { return hostName(h.number) }

// Address is its address on the network outside.
func (h Host) Address() string { return fmt.Sprintf("10.77.0.%d", 10+h.number) }

// mac is that of its bridge, which stays when it boots again, as a card's does.
func (h Host) mac() string { return fmt.Sprintf("02:00:0a:4d:00:%02x", 10+h.number) }

// URI is its libvirt, from the lab's own host.
func (h Host) URI() string { return "qemu+ssh://root@" + h.Name() + "/system" }

// root is where its root is mounted, in its own mount namespace only, disk what outlives that it is switched off. off is there
// while it is.
func (h Host) root() string { return filepath.Join(h.world.dir, h.Name()+".root") }
func (h Host) disk() string { return filepath.Join(h.world.disks, h.Name()) }
func (h Host) off() string  { return filepath.Join(h.world.dir, h.Name()+".off") }

// uuid is by which its libvirt says which host it is, as the firmware of a real one does.
func (h Host) uuid() string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("lab:"+h.world.id+"/"+h.Name())).String()
}

// hosts are the hypervisors that the lab has or had, running or not, in the order of their numbers.
func (w *World) hosts() (all []Host) {
	for number := range mostHosts {
		if h := w.Host(number + 1); h.exists() {
			all = append(all, h)
		}
	}
	return all
}

func (h Host) exists() bool { return isThere(h.disk()) }

// running are the daemons of those that run.
func running(hosts []Host) (all []daemon) {
	for _, h := range hosts {
		if h.daemon.alive() {
			all = append(all, h.daemon)
		}
	}
	return all
}

// startHosts starts the hypervisors up to that number, and those that there are, unless somebody has switched them off.
func (w *World) startHosts(ctx context.Context, wanted int, say func(string, ...any)) error {
	if wanted > mostHosts {
		return hint.Errorf(fmt.Sprintf("at most hosts=%d", mostHosts), "the lab has no addresses for %d hosts", wanted)
	}
	for number := range mostHosts {
		h := w.Host(number + 1)
		if number >= wanted && !h.exists() || isThere(h.off()) || h.daemon.alive() {
			continue
		}
		if err := h.start(ctx); err != nil {
			return fmt.Errorf("lab: %s: %w", h.Name(), err)
		}
		say("lab %s: hypervisor %s, bridge %s %s", w.id, h.Name(), Bridge, h.Address())
	}
	return nil
}

// start boots it, and plugs it into the network outside.
func (h Host) start(ctx context.Context) error {
	if _, err := exec.LookPath("sshd"); err != nil {
		return hint.Errorf("sudo apt-get install openssh-server   # which starts one on this machine, too: sudo systemctl disable --now ssh ends it",
			"hypervisors of the lab run an sshd, and there is none: %w", err)
	}
	cache := h.world.cache + "-hosts" // what QEMU can do, as its own user and not root has it
	for _, dir := range []string{cache, h.root(), filepath.Join(h.disk(), "etc-libvirt")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := h.world.writeAccess(ctx, h); err != nil {
		return err
	}
	if err := writeConfig(filepath.Join(h.disk(), "etc-libvirt"), "libvirt-qemu", "host_uuid = \""+h.uuid()+"\"\n"); err != nil {
		return err
	}
	cmd := exec.Command("unshare", "--mount", "--net", "--uts", "--pid", "--fork", "--kill-child", "--propagation", "private", "--",
		"bash", "-c", hypervisorScript, "lab-hypervisor", h.Name(), h.root(), h.disk(), cache, Bridge, h.mac(), h.Address()+"/24")
	cmd.Env = []string{bareEnvironment, "HOME=/root"}
	if err := h.daemon.start(cmd); err != nil {
		return err
	}
	made := func() error { _, err := os.Stat(fmt.Sprintf("/proc/%d/root/run/made", h.daemon.pid())); return err }
	if err := h.world.await(ctx, h.daemon, made); err != nil {
		return err
	}
	return h.world.wire(ctx, h.daemon)
}

// Command is a program run on it, as root. It sees nothing of this process' environment.
func (h Host) Command(ctx context.Context, argv ...string) *exec.Cmd {
	pid := h.daemon.pid()
	args := []string{"--target", strconv.Itoa(pid), "--mount", "--net", "--uts", fmt.Sprintf("--pid=/proc/%d/ns/pid_for_children", pid), "--"}
	inRoot := []string{"sh", "-c", `cd / && exec "$@"`, "sh"} // entering a mount namespace loses the folder (setns(2))
	cmd := exec.CommandContext(ctx, "nsenter", slices.Concat(args, inRoot, argv)...)
	cmd.Env = []string{bareEnvironment, "HOME=/root"}
	return cmd
}

// Cut pulls its cable, and [Host.Mend] plugs it in again. What is on its way is lost, and nobody hears of it.
func (h Host) Cut(ctx context.Context) error { return h.cable(ctx, "down") }

// Mend is the end of Cut.
func (h Host) Mend(ctx context.Context) error { return h.cable(ctx, "up") }

func (h Host) cable(ctx context.Context, state string) error {
	return run(netOnly(ctx, h.world.dhcp, "ip", "link", "set", h.Name(), state))
}

// Off switches it off, as without power: its guests are gone, its disk is not. It stays off until On.
func (h Host) Off(ctx context.Context) error {
	if err := os.WriteFile(h.off(), nil, 0o600); err != nil {
		return err
	}
	pid := h.daemon.pid()
	if pid == 0 {
		return nil
	}
	if err := h.Cut(ctx); err != nil { // before its kernel tells others that connections end
		return err
	}
	if err := differentNet(pid); err != nil {
		return err
	}
	return endAll(map[string]bool{netOf(pid): true}, syscall.SIGKILL)
}

// On switches it on again.
func (h Host) On(ctx context.Context) error {
	if err := os.RemoveAll(h.off()); err != nil || h.daemon.alive() {
		return err
	}
	return h.start(ctx)
}

// HostsIn is how many hypervisors the lab must have for those URIs of libvirt: the greatest number among their hosts.
func HostsIn(uris ...string) (most int) {
	for _, uri := range uris {
		if at, err := url.Parse(uri); err == nil {
			most = max(most, numbered(at.Hostname()))
		}
	}
	return most
}
