package command

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/etcd"
)

// Up boots the defined nodes together, waits until each says that it can be reached and, where the
// config asks for discovery, until their etcd is healthy.
func (r *Run) Up(ctx context.Context) error {
	defer keepTimes(r)
	if err := upAll(ctx, r); err != nil {
		return err
	}
	for _, step := range r.steps {
		if err := os.Remove(step.Node.Fresh()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	sayOld(r.Settings, r.steps, r.log.Say)
	return nil
}

func upAll(ctx context.Context, r *Run) error {
	if slices.ContainsFunc(r.steps, plan.Step.Changes) {
		r.etcdSeen = nil // it was as they were before
	}
	if err := recreateTogether(ctx, r); err != nil {
		return err
	}
	server, err := viewOf(r, r.generation).ServeNewcomers(ctx, r.steps)
	if err != nil {
		return err
	}
	defer server.Close()
	nodes, failed := r.booter().All(ctx, r.steps)
	broken := errors.Join(trust(r.access(r.Prefix), nodes), errors.Join(r.failed...), failed)
	if ctx.Err() != nil {
		return broken
	}
	var status etcd.Status
	if broken == nil {
		nodes, status, err = reconcile(ctx, r, nodes, server)
	} else if r.KeepGoing && r.Ready {
		status, err = r.cluster().ReconcileReady(ctx, nodes)
	}
	nodes = withUndefined(nodes, r.members(), errors.Join(r.failed...))
	return errors.Join(nodesTable(nodes, status, r.view().ClientURL).Print(r.log.Writer()), broken, err)
}

// reconcile makes of nodes that are ready the cluster that is wanted.
func reconcile(ctx context.Context, r *Run, nodes []boot.Node, server *etcd.Server) ([]boot.Node, etcd.Status, error) {
	surplus := r.plan.Surplus
	if r.plan.Way == plan.NewGeneration { // those that were to be removed went with the others
		surplus = plan.Taking(surplus, plan.Keep)
	}
	done, err := r.cluster().Reconcile(ctx, nodes, surplus, server)
	r.generation = done.Generation
	return done.Nodes, done.Status, err
}
