package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"coreos-libvirt/internal/host"
)

// Elsewhere is another host than this one, on which libvirt runs the nodes: what libvirt says of it. Nothing of this host is said of it.
type Elsewhere struct {
	Host       string                                      // its name; empty: the nodes run on this host
	FreeMemory func() (free, all int64, err error)         // bytes
	FreeSpace  func() (free int64, pool string, err error) // bytes, and the name of the storage pool
}

// notLooked is what is found of what libvirt does not say.
const notLooked = "not looked at: remote"

// allThere are the checks of nodes elsewhere, in the order of All.
func (n Nodes) allThere() []host.Check {
	unseen := func(name string) host.Check {
		return host.Check{Name: name, Run: simple(func() (string, error) { return notLooked, nil })}
	}
	checks := []host.Check{
		{Name: "programs", Run: n.here(Programs)},
		{Name: "xz", Run: n.here(simple(xz))},
		unseen("rights"),
		{Name: "libvirt", Run: simple(n.daemon)},
		{Name: "QEMU", Run: simple(n.qemu)},
		{Name: "KVM", Run: simple(n.kvm)},
		{Name: "network", Run: n.asked(n.linkThere)},
		unseen("packet filter"),
		{Name: "discovery", Run: n.here(n.inbound)},
		unseen("routing"), unseen("confinement"),
		{Name: "disk space", Run: n.asked(n.spaceThere)},
		{Name: "store space", Run: n.here(simple(func() (string, error) { return host.Space(n.Store, host.Each, "a base image") }))},
		{Name: "memory", Run: n.asked(n.memoryThere)},
		unseen("clock"),
	}
	if n.Further != nil {
		checks = append(checks, host.Check{Name: "networks=", Run: simple(func() (string, error) { return "libvirt has no other answer", n.Exists() })})
	}
	return checks
}

// preflightThere are those of them that are quick, and of what nodes would fail of.
func (n Nodes) preflightThere() []host.Check {
	return []host.Check{
		{Name: "programs", Run: Programs},
		{Name: "network", Run: n.asked(n.linkThere)},
		{Name: "libvirt", Run: simple(n.daemon)},
		{Name: "disk space", Run: warning(n.asked(n.spaceThere))},
		{Name: "memory", Run: warning(n.asked(n.memoryThere))},
		{Name: "ram=", Run: simple(func() (string, error) { return RAM(n.CoreOS, n.CoreOS > 0) })},
	}
}

// here has a check of this host, which the images and the tokens are on, say so.
func (Nodes) here(check func(context.Context) (string, error)) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		found, err := check(ctx)
		return found + ", on this host", err
	}
}

// asked is the check, if there is a libvirt to ask.
func (n Nodes) asked(check func() (string, error)) func(context.Context) (string, error) {
	return simple(func() (string, error) {
		if _, err := n.Open(); err != nil {
			return "", errNoLibvirt
		}
		return check()
	})
}

// linkThere looks for what the nodes are plugged into, where libvirt tells.
func (n Nodes) linkThere() (string, error) {
	if err := n.Exists(); err != nil {
		return "", err
	}
	switch {
	case n.Network != "":
		return "network " + n.Network, nil
	case n.Direct != "":
		return "card " + n.Direct + " of " + n.There.Host, nil
	}
	return "bridge " + n.Bridge + " of " + n.There.Host + "; what it carries is not looked at: remote", nil
}

func (n Nodes) spaceThere() (string, error) {
	free, pool, err := n.There.FreeSpace()
	if errors.Is(err, fs.ErrNotExist) {
		return "there is no storage pool " + pool + " yet, which `mage up` makes", nil
	}
	if err != nil {
		return "", err
	}
	return host.Room("the storage pool "+pool+" of "+n.There.Host, int(free>>30), n.Count*host.Each, "the nodes")
}

func (n Nodes) memoryThere() (string, error) {
	free, all, err := n.There.FreeMemory()
	if err != nil {
		return "", err
	}
	found, err := host.Fits(int(free>>20), n.Count, n.RAM)
	return fmt.Sprintf("%s, of %d MiB of %s", found, all>>20, n.There.Host), err
}
