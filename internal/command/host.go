package command

import (
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"os/user"
	"strings"

	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/host/netfilter"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/session"
)

// HostCheck looks at the machine, check by check, and prints each with what was found or its remedy. It
// fails where one does.
func (r *Run) HostCheck(ctx context.Context) error {
	results, ok := host.RunAll(ctx, r.hostChecks())
	if r.Format == "json" {
		if err := r.printJSON(results); err != nil {
			return err
		}
	} else {
		for _, result := range results {
			r.printResult(result)
		}
	}
	if !ok {
		return session.ExitStatus(1)
	}
	return nil
}

func (r *Run) printResult(result host.Result) {
	mark := "ok  "
	switch {
	case result.Warning:
		mark = "warn"
	case !result.OK:
		mark = "FAIL"
	}
	r.log.Say("%s  %-20s %s", mark, result.Check, strings.ReplaceAll(result.Found, "\n", " "))
	if result.Remedy != "" {
		r.log.Say("      %s", result.Remedy)
	}
}

// hostChecks are in the order in which their remedies make sense. Disk and memory are asked for the nodes that are to
// be started; without libvirt, all.
func (r *Run) hostChecks() []host.Check {
	const root = host.Root("/")
	folder := r.vm()
	nodes, err := r.starting()
	if err != nil {
		nodes = r.Nodes
	}
	checks := []host.Check{
		{Name: "programs", Run: programs},
		{Name: "rights", Run: r.simple(r.checkRights)},
		{Name: "libvirt", Run: r.simple(r.checkLibvirt)},
		{Name: "QEMU", Run: r.simple(r.checkQEMU)},
		{Name: "KVM", Run: r.simple(r.checkKVM)},
		{Name: "network", Run: r.simple(r.checkNetwork)},
		{Name: "packet filter", Run: r.packetFilter},
		{Name: "discovery", Run: r.checkDiscovery},
		{Name: "routing", Run: r.simple(func() (string, error) { return root.Forwarding(r.Network != "") })},
		{Name: "vm/ for QEMU", Run: r.simple(func() (string, error) { return host.Reaches(r.qemuUser(root), folder) })},
		{Name: "store for QEMU", Run: r.simple(func() (string, error) { return host.Reaches(r.qemuUser(root), r.Store) })},
		{Name: "confinement", Run: r.simple(func() (string, error) { return root.Confinement(folder, r.Store) })},
		{Name: "disk space", Run: r.simple(func() (string, error) { return host.Space(folder, nodes*host.Each, "the nodes") })},
		{Name: "store space", Run: r.simple(func() (string, error) { return host.Space(r.Store, host.Each, "a base image") })},
		{Name: "memory", Run: r.simple(func() (string, error) { return root.Memory(nodes, r.RAM) })},
		{Name: "clock", Run: r.simple(host.Clock)},
	}
	if r.where().IsSession() && r.bridged() {
		checks = append(checks, host.Check{Name: "bridge helper", Run: r.simple(func() (string, error) { return root.BridgeHelper(r.Bridge) })})
	}
	return checks
}

// packetFilter looks at what may drop the nodes' frames on the bridge. libvirt makes the rules of its own networks,
// and frames of a card that nodes share pass no bridge.
func (r *Run) packetFilter(ctx context.Context) (string, error) {
	if !r.bridged() {
		return "no bridge of the host's is used", nil
	}
	return netfilter.Bridged("/", netfilter.Rules(ctx), r.Bridge)
}

// checkDiscovery looks at whether the nodes get in to the service on this host, at the port of the token that there
// is, or at whichever the next one gets.
func (r *Run) checkDiscovery(ctx context.Context) (string, error) {
	if !discovery.IsEmbedded(r.Settings.Discovery) {
		return "not on this host: discovery=" + r.Settings.Discovery, nil
	}
	ports := netfilter.Ephemeral("/")
	if token, found, err := discovery.Read(r.vm(), r.Prefix); err == nil && found && discovery.IsEmbedded(token.Kind) {
		if at, err := url.Parse(token.Endpoint); err == nil {
			_, _ = fmt.Sscan(at.Port(), &ports.From)
			ports.To = ports.From
		}
	}
	link, err := r.reach().HostLink()
	if err != nil {
		link = r.Bridge // another check tells what lacks
	}
	return netfilter.Inbound(netfilter.Rules(ctx), link, ports)
}

// simple is a check that needs no context.
func (r *Run) simple(check func() (string, error)) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return check() }
}

// bridged tells whether the nodes are on bridge=, not on a network of libvirt's or on a card.
func (r *Run) bridged() bool { return r.Network == "" && r.Direct == "" }

// qemuUser is whom QEMU runs as: libvirt's choice, or in a session the user.
func (r *Run) qemuUser(root host.Root) string {
	if me, err := user.Current(); err == nil && r.where().IsSession() {
		return me.Username
	}
	return root.QEMUUser()
}

// checkRights makes sure that the user may use libvirt, or where it is the user's own, KVM.
func (r *Run) checkRights() (string, error) {
	if !r.where().IsSession() {
		return host.InGroup("libvirt")
	}
	if r.Accel == "tcg" {
		return "a libvirt of the user's own, accel=tcg", nil
	}
	return host.Root("/").Device("dev/kvm", "kvm")
}

// programs are those that targets run.
func programs(context.Context) (string, error) {
	lacking := []string{}
	for _, name := range []string{"qemu-img", "ssh"} {
		if _, err := exec.LookPath(name); err != nil {
			lacking = append(lacking, name)
		}
	}
	if len(lacking) > 0 {
		return "", hint.Errorf(host.Sudo("mage host:setup apply=true"), "programs are missing: %s", strings.Join(lacking, ", "))
	}
	return "qemu-img, ssh", nil
}

// libvirtAdvice is what to do where there is no libvirt to talk to: the group that may, if it is that, in which
// who is not root is not; else a set-up.
func (r *Run) libvirtAdvice() string {
	if !strings.HasPrefix(r.URI, "qemu") {
		return "uri= names another"
	}
	if !r.where().IsSession() {
		if _, err := host.InGroup("libvirt"); err != nil {
			_, advice, _ := strings.Cut(err.Error(), "\nhint: ")
			return advice
		}
	}
	return "`mage host:setup` shows what lacks, `systemctl start libvirtd` is enough where it is only stopped; `mage lab up` brings one of its own"
}

// checkLibvirt makes sure that the daemon answers and knows fw_cfg.
func (r *Run) checkLibvirt() (string, error) {
	conn, err := r.libvirt()
	if err != nil {
		return "", err
	}
	major, minor, release, err := conn.Version()
	if err != nil {
		return "", err
	}
	version, err := host.LibvirtVersion(major, minor, release)
	return r.URI + ", " + version, err
}

// checkQEMU makes sure of a QEMU that the nodes can get their Ignition documents from.
func (r *Run) checkQEMU() (string, error) {
	conn, err := r.libvirt()
	if err != nil {
		return "", hint.Errorf("libvirt first, see above", "not looked at: there is no libvirt to ask")
	}
	major, minor, release, err := conn.QEMUVersion()
	if err != nil {
		return "", hint.Add(err, host.Sudo("mage host:setup apply=true"))
	}
	return host.QEMUVersion(major, minor, release)
}

// checkNetwork looks at what the nodes are plugged in.
func (r *Run) checkNetwork() (string, error) {
	switch {
	case r.Direct != "":
		return host.Root("/").Card(r.Direct)
	case r.Network == "":
		return host.Root("/").Bridge(r.Bridge)
	}
	bridge, err := r.reach().HostLink()
	if err != nil && (r.Network == "default" || strings.Contains(err.Error(), "not active")) {
		what, _, _ := strings.Cut(err.Error(), "\nhint: ")
		return "", hint.Errorf(host.Sudo("mage host:setup network="+r.Network+" apply=true"), "%s", what)
	}
	return fmt.Sprintf("network %s, on %s", r.Network, bridge), err
}

// checkKVM makes sure that KVM works, unless the nodes are to be emulated.
func (r *Run) checkKVM() (string, error) {
	if r.Accel == "tcg" {
		return "not used: accel=tcg", nil
	}
	conn, err := r.libvirt()
	if err != nil {
		return "", hint.Errorf("libvirt first, see above", "not looked at: there is no libvirt to ask")
	}
	if !conn.HasKVM(r.Arch) {
		return "", hint.Errorf("enable virtualization in the machine's firmware, and modprobe kvm_intel or kvm_amd; accel=tcg emulates, slowly but without it",
			"libvirt offers no KVM for %s", r.Arch)
	}
	return "a domain starts with it", conn.ProbeKVM(r.Arch)
}
