package lab

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// hostScript makes the inside of the host's namespaces, and then holds them.
//
//go:embed host.sh
var hostScript string

// patience is how long a part may take to be there: one that ends is an error at once.
const patience = 3 * time.Minute

// startHost makes the namespaces of the host: mounts, so that libvirt's folders are the lab's own,
// and the network with the bridge.
func (w *World) startHost(ctx context.Context) error {
	for _, dir := range []string{w.cache, w.store} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	unlock, err := alone(filepath.Dir(w.dir))
	if err != nil {
		return err
	}
	defer unlock()
	if err := errors.Join(writeConfig(filepath.Join(w.dir, "etc"), "root", ""), writeResolver(w.dir)); err != nil {
		return err
	}
	made := filepath.Join(w.dir, "host.made")
	cmd := exec.Command("unshare", "--mount", "--net", "--propagation", "private", "--",
		"bash", "-c", hostScript, "lab-host", w.dir, w.cache, w.store, Bridge, hostCIDR, made)
	if err := w.host.start(cmd); err != nil {
		return err
	}
	return w.await(ctx, w.host, func() error { _, err := os.Stat(made); return err })
}

// writeConfig writes libvirt's configuration whole into the folder, whatever the real host's is. There are no cgroups
// of its own and nobody to confine QEMU for, which runs as that user. more are lines of libvirtd.conf.
func writeConfig(etc, user, more string) error {
	if err := os.MkdirAll(filepath.Join(etc, "qemu"), 0o755); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"qemu.conf": fmt.Sprintf("security_driver = \"none\"\nuser = %q\ngroup = %[1]q\n", user) +
			"cgroup_controllers = []\nnamespaces = []\nstdio_handler = \"logd\"\n",
		"libvirtd.conf": "auth_unix_rw = \"none\"\nunix_sock_rw_perms = \"0700\"\n" + more,
		"virtlogd.conf": "",
		"libvirt.conf":  "",
	} {
		if err := os.WriteFile(filepath.Join(etc, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// startDHCP makes the network outside: a namespace that dnsmasq itself holds, with a bridge that is what hosts are plugged into.
func (w *World) startDHCP(ctx context.Context) error {
	if err := namesIn(w.dir).make(); err != nil {
		return err
	}
	w.endDNS() // that of a network that is no more
	server, _, _ := strings.Cut(serverCIDR, "/")
	cmd := exec.Command("unshare", "--net", "--", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
		"--user=root", "--port=0", "--interface=uplink", "--bind-dynamic", "--dhcp-range="+leaseRange, "--dhcp-authoritative",
		"--dhcp-hostsdir="+namesIn(w.dir).of("cards"), "--dhcp-option=option:dns-server,"+server,
		"--dhcp-leasefile="+w.Leases(), "--pid-file=", "--log-facility=-", "--log-dhcp")
	if err := w.dhcp.start(cmd); err != nil {
		return err
	}
	// unshare has become dnsmasq when its namespace is another than ours
	err := w.await(ctx, w.dhcp, func() error { return differentNet(w.dhcp.pid()) })
	if err == nil {
		err = run(netOnly(ctx, w.dhcp, "sh", "-ec", `ip link set lo up
			ip link add uplink type bridge stp_state 0
			ip address add "$0" dev uplink
			ip link set uplink up`, serverCIDR))
	}
	for _, host := range append([]daemon{w.host}, running(w.hosts())...) {
		if err == nil {
			err = w.wire(ctx, host)
		}
	}
	return err
}

// wire plugs the bridge of a host into the network outside. The port there has the host's name.
func (w *World) wire(ctx context.Context, host daemon) error {
	return run(netOnly(ctx, host, "sh", "-ec", `
		ip link del uplink 2>/dev/null || true
		nsenter --target "$0" --net -- ip link del "$2" 2>/dev/null || true # of a host that was switched off: the kernel takes a moment
		ip link add uplink type veth peer name "$2" netns "$0"
		ip link set uplink master "$1" up
		nsenter --target "$0" --net -- ip link set "$2" master uplink up
	`, fmt.Sprint(w.dhcp.pid()), Bridge, host.name))
}

// netOnly is a program of this machine's in the network namespace of a daemon.
func netOnly(ctx context.Context, d daemon, argv ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "nsenter", append([]string{"--target", fmt.Sprint(d.pid()), "--net", "--"}, argv...)...)
}

func (w *World) startVirtlogd(ctx context.Context) error {
	pid := filepath.Join(w.dir, "virtlogd.pid")
	if err := w.virtlogd.start(w.bare("virtlogd", "--pid-file", pid)); err != nil {
		return err
	}
	return w.await(ctx, w.virtlogd, func() error { return w.dial("virtlogd-sock") })
}

// startLibvirtd starts the daemon; it answers its first caller only after some seconds if it has to
// find out what QEMU can do, which the cache remembers.
func (w *World) startLibvirtd(ctx context.Context) error {
	pid := filepath.Join(w.dir, "libvirtd.pid")
	if err := w.libvirtd.start(w.bare("libvirtd", "--pid-file", pid)); err != nil {
		return err
	}
	return w.await(ctx, w.libvirtd, func() error { return w.dial("libvirt-sock") })
}

// bare is a program inside that outlives this one and sees nothing of this one's environment.
func (w *World) bare(argv ...string) *exec.Cmd {
	cmd := w.enter(context.Background(), argv...)
	cmd.Env = []string{bareEnvironment}
	return cmd
}

const bareEnvironment = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// dial tries a socket of libvirt's inside the lab.
func (w *World) dial(socket string) error {
	path := fmt.Sprintf("/proc/%d/root/run/libvirt/%s", w.host.pid(), socket)
	conn, err := net.Dial("unix", path)
	if err != nil {
		return err
	}
	return conn.Close()
}

// await waits for a started part, and ends at once where its process has.
func (w *World) await(ctx context.Context, d daemon, there func() error) error {
	deadline := time.Now().Add(patience)
	for {
		err := there()
		if err == nil {
			return nil
		}
		switch {
		case !d.alive():
			return d.failed(errors.New("it ended"))
		case time.Now().After(deadline):
			return d.failed(fmt.Errorf("not there after %s: %w", patience, err))
		case ctx.Err() != nil:
			return ctx.Err()
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func run(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}
