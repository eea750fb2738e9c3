package command

import (
	"context"

	"coreos-libvirt/internal/cluster/rotation"
)

// RotateAuthority has the cluster's etcd trust a new certificate authority, and no other.
func RotateAuthority(ctx context.Context, r *Run) (err error) {
	if err := r.lock(ctx, r.Prefix); err != nil {
		return err
	}
	view := r.view()
	if view.Domains, err = r.domains(); err != nil {
		return err
	}
	nodes, err := view.Reached(ctx)
	if err != nil {
		return err
	}
	if err := rotation.Rotate(ctx, view, nodes); err != nil {
		return err
	}
	r.log.Say("etcd: it has a new certificate authority, %s", view.Generation.Authority.CertificateFile())
	return nil
}
