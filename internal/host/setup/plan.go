package setup

import (
	"context"
	"errors"
	"strings"
)

// Plan is what lacks on the machine, in the order in which it is to be done: the bridge last, since it may
// cut off whoever watches. It changes nothing. With an error come the steps that it does not concern.
func (m Machine) Plan(ctx context.Context, w Wanted) ([]Planned, error) {
	f, err := m.family()
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
	packages, err := lacking(ctx, f.manager, names)
	steps := []Planned{}
	if packages != nil {
		steps = append(steps, Planned{"packages " + strings.Join(packages.Names, ", "), "libvirt with QEMU makes the nodes, qemu-img their disks, a C compiler the targets' way to libvirt", packages})
	}
	steps = append(append(steps, m.services(ctx, f)...), groups(w)...)
	for _, more := range []func() ([]Planned, error){
		func() ([]Planned, error) { return m.filter(ctx, w) },
		func() ([]Planned, error) { return m.session(ctx, w, f) },
		func() ([]Planned, error) { return network(ctx, w) },
		func() ([]Planned, error) { return m.bridge(ctx, w) },
	} {
		planned, failed := more()
		steps, err = append(steps, planned...), errors.Join(err, failed)
	}
	return steps, err
}
