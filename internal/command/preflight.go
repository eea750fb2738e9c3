package command

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/terminal/hint"
)

// Preflight looks, before anything is fetched or made, at what nodes that are to be started would fail of.
// What surely fails is an error, what may do is a line; all that is well is not told.
func (r *Run) Preflight(ctx context.Context) error {
	if !strings.HasPrefix(r.URI, "qemu") {
		return nil // libvirt's other drivers have hosts of their own
	}
	ahead := r.view().LookAhead(ctx)
	starting, err := r.starting()
	if err != nil {
		return err
	}
	if starting == 0 {
		r.etcdSeen = ahead
		return nil
	}
	results, _ := host.RunAll(ctx, r.preflightChecks(starting))
	failed := []error{}
	for _, result := range results {
		switch {
		case result.OK:
		case result.Warning:
			r.log.Say("warning: %s: %s (hint: %s)", result.Check, result.Found, result.Remedy)
		default:
			failed = append(failed, hint.Errorf(result.Remedy, "%s: %s", result.Check, result.Found))
		}
	}
	return errors.Join(failed...)
}

// starting is how many of the cluster's nodes do not run.
func (r *Run) starting() (int, error) {
	conn, err := r.libvirt()
	if err != nil {
		return 0, err
	}
	running, err := conn.Running()
	if err != nil {
		return 0, err
	}
	n := 0
	for _, node := range r.members() {
		if !running[node.Name] {
			n++
		}
	}
	return n, nil
}

// preflightNetwork says what define would, and warns of a card that keeps this host from its nodes, and of a bridge
// that is no way out.
func (r *Run) preflightNetwork() (string, error) {
	if r.Direct != "" {
		return host.Root("/").Card(r.Direct)
	}
	if err := r.checkLink(); err != nil || !r.bridged() {
		return "", err
	}
	found, err := host.Root("/").Bridge(r.Bridge)
	return found, host.Warn(err)
}

// leastRAM is the MiB below which both systems' initramfs may not be unpacked, or Ignition fetch what it is to fetch.
const leastRAM = 1024

// preflightRAM warns of a node that has less memory than its system wants. The lab's images do with less.
func (r *Run) preflightRAM() (string, error) {
	if r.RAM >= leastRAM || r.Image == "lab" || strings.HasPrefix(r.Image, "lab-") || base.SystemOf(r.Image) == "" {
		return "", nil
	}
	return "", host.Warn(hint.Errorf(fmt.Sprintf("ram=%d or more", leastRAM),
		"%d MiB are less than Fedora CoreOS and Flatcar are made for: a node may hang before Ignition, or kill programs", r.RAM))
}

// preflightChecks are those of host:check that are quick and that nodes fail of.
func (r *Run) preflightChecks(nodes int) []host.Check {
	const root = host.Root("/")
	user := r.qemuUser(root)
	checks := []host.Check{
		{Name: "programs", Run: programs},
		{Name: "network", Run: r.simple(r.preflightNetwork)},
		{Name: "libvirt", Run: r.simple(r.checkLibvirt)},
		{Name: "packet filter", Run: func(ctx context.Context) (string, error) {
			found, err := r.packetFilter(ctx)
			return found, host.Warn(err)
		}},
		{Name: "vm/ for QEMU", Run: r.simple(func() (string, error) { return host.Reaches(user, r.vm()) })},
		{Name: "store for QEMU", Run: r.simple(func() (string, error) { return host.Reaches(user, r.Store) })},
		{Name: "disk space", Run: r.simple(func() (string, error) {
			found, err := host.Space(r.vm(), nodes*host.Each, "the nodes")
			return found, host.Warn(err)
		})},
		{Name: "memory", Run: r.simple(func() (string, error) {
			found, err := root.Memory(nodes, r.RAM)
			return found, host.Warn(err)
		})},
	}
	checks = append(checks, host.Check{Name: "ram=", Run: r.simple(r.preflightRAM)})
	if r.where().IsSession() && r.bridged() {
		checks = append(checks, host.Check{Name: "bridge helper", Run: r.simple(func() (string, error) { return root.BridgeHelper(r.Bridge) })})
	}
	return checks
}
