package command

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/etcd"
)

// Up boots the defined nodes together, waits until each says that it can be reached and, where the
// config asks for discovery, until their etcd is healthy.
func (r *Run) Up(ctx context.Context) error {
	d, err := definedOf(ctx, r)
	if err != nil {
		return err
	}
	defer keepTimes(r, d.images, d.hosts)
	nodes, status, err := upAll(ctx, r, d)
	if nodes == nil {
		return err
	}
	if err == nil {
		err = areUp(d.steps)
	}
	takeInventories(ctx, r, d.images, nodes)
	seen := unitsOfReady(ctx, r, nodes)
	printed := printNodes(r, nodes, seen, status, clusterOf(r, d, r.booter(d.images, d.apply.Undo)).ClientURL)
	if err == nil && !r.pass.brief {
		sayOld(r.Settings, d.steps, r.log.Say)
	}
	return errors.Join(printed, err, ctx.Err(), failedUnits(r.Settings, seen))
}

// areUp notes that the nodes were ready: they are not recreated unasked from now on.
func areUp(steps []plan.Step) error {
	for _, step := range steps {
		if err := os.Remove(step.Node.Fresh()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// upAll boots all nodes. It gives none if it has not come as far as to boot any, or was interrupted.
func upAll(ctx context.Context, r *Run, d defined) ([]boot.Node, etcd.Status, error) {
	var status etcd.Status
	changes := slices.ContainsFunc(d.steps, plan.Step.Changes)
	d, err := recreateTogether(ctx, r, d)
	if err != nil {
		return nil, status, err
	}
	cluster := clusterOf(r, d, r.booter(d.images, d.apply.Undo))
	if !changes { // else they were asked of what is no more
		cluster.Ahead = aheadOf(ctx, r)
	}
	server, err := cluster.ServeNewcomers(ctx, d.steps)
	if err != nil {
		return nil, status, err
	}
	defer server.Close()
	admitted, err := cluster.Admit(ctx, d.steps)
	if err != nil {
		return nil, status, err
	}
	nodes, failed := r.booter(d.images, d.apply.Undo).All(ctx, d.steps)
	broken := errors.Join(trust(r.access(r.Prefix), nodes), errors.Join(d.failed...), failed)
	if ctx.Err() != nil {
		return nil, status, broken
	}
	broken = errors.Join(broken, admitted.Came(nodes))
	if broken == nil {
		nodes, status, err = reconcile(ctx, r, cluster, d.plan, nodes, server)
	} else if r.KeepGoing && r.Ready {
		status, err = cluster.ReconcileReady(ctx, nodes)
	}
	if ctx.Err() != nil { // of nodes that boot in turn, too
		return nil, status, errors.Join(broken, err)
	}
	nodes = withUndefined(nodes, r.members(), errors.Join(d.failed...))
	return nodes, status, errors.Join(broken, err)
}

// reconcile makes of nodes that are ready the cluster that is wanted.
func reconcile(ctx context.Context, r *Run, cluster members.Cluster, p plan.Plan, nodes []boot.Node, server *etcd.Server) ([]boot.Node, etcd.Status, error) {
	surplus := p.Surplus
	if p.Way == plan.NewGeneration { // those that were to be removed went with the others
		surplus = plan.Taking(surplus, plan.Keep)
	}
	done, err := cluster.Reconcile(ctx, nodes, surplus, server)
	return done.Nodes, done.Status, explainedOutcome(ctx, r, cluster, done, err)
}
