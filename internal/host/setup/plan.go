package setup

import (
	"context"
	"errors"
	"strings"

	"coreos-libvirt/internal/host/bridge"
	"coreos-libvirt/internal/host/step"
)

// Plan is what is missing on the machine, in the order in which it is to be done: the bridge last, since it may
// cut off whoever watches. It changes nothing. With an error come the steps that it does not concern.
func Plan(ctx context.Context, m step.Machine, w Wanted) ([]step.Planned, error) {
	f, err := familyOf(m)
	if err != nil {
		return nil, err
	}
	names := f.packages
	if w.Session {
		names = append(names[:len(names):len(names)], f.session...)
	}
	if w.Network != "" {
		names = append(names[:len(names):len(names)], f.network...)
	}
	packages, err := step.Lacking(ctx, f.manager, names)
	steps := []step.Planned{}
	if packages != nil {
		steps = append(steps, step.Planned{Title: "packages " + strings.Join(packages.Names, ", "), Why: "libvirt with QEMU makes the nodes, qemu-img their disks, xz unpacks images, a C compiler the targets' way to libvirt", Step: packages})
	}
	steps = append(append(steps, services(ctx, m, f)...), groups(w)...)
	for _, more := range []func() ([]step.Planned, error){
		func() ([]step.Planned, error) { return filter(ctx, m, w) },
		func() ([]step.Planned, error) { return session(ctx, m, w, f) },
		func() ([]step.Planned, error) { return network(ctx, w) },
		func() ([]step.Planned, error) { return bridged(ctx, m, w) },
	} {
		planned, failed := more()
		steps, err = append(steps, planned...), errors.Join(err, failed)
	}
	return steps, err
}

// bridged plans the bridge that is wanted.
func bridged(ctx context.Context, m step.Machine, w Wanted) ([]step.Planned, error) {
	if w.Bridge == "" {
		return nil, nil
	}
	return bridge.Plan(ctx, m, w.Bridge, w.NIC)
}
