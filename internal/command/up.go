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
	"coreos-libvirt/internal/terminal/hint"
)

// Up boots the defined nodes together, waits until each says that it can be reached and, where the
// config asks for discovery, until their etcd is healthy.
func (r *Run) Up(ctx context.Context) error {
	defer r.keepTimes()
	if err := r.upAll(ctx); err != nil {
		return err
	}
	for _, step := range r.steps {
		if err := os.Remove(step.Node.Fresh()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	r.sayOld()
	return nil
}

func (r *Run) upAll(ctx context.Context) error {
	if slices.ContainsFunc(r.steps, plan.Step.Changes) {
		r.etcdSeen = nil // it was as they were before
	}
	if err := r.recreateTogether(ctx); err != nil {
		return err
	}
	server, err := r.serveNewcomers(ctx)
	if err != nil {
		return err
	}
	defer server.Close()
	nodes, failed := r.booter().All(ctx, r.steps)
	broken := errors.Join(r.trust(nodes), errors.Join(r.failed...), failed)
	if ctx.Err() != nil {
		return broken
	}
	var status etcd.Status
	if broken == nil {
		status, err = r.settle(ctx, nodes, server)
	} else if r.KeepGoing && r.Ready {
		status, err = r.settleOthers(ctx, nodes)
	}
	nodes = withUndefined(nodes, r.members(), errors.Join(r.failed...))
	return errors.Join(nodesTable(nodes, status, r.clientURL).Print(r.log.Writer()), broken, err)
}

// settle makes of nodes that are ready the cluster that is wanted.
func (r *Run) settle(ctx context.Context, nodes []boot.Node, server *etcd.Server) (status etcd.Status, err error) {
	if err := r.certify(ctx, boot.Reachable(nodes)...); err != nil {
		return status, err
	}
	if err := r.recreateInTurn(ctx, nodes); err != nil {
		return status, err
	}
	if !r.Ready {
		r.log.Say("ready=off: the nodes run, whether they can be reached is not known (`mage status ready=off` looks for them)")
	}
	if !r.Ready || r.generation.Token == nil {
		return status, r.shrink(ctx, status)
	}
	err = r.booter().Guarded(ctx, nodes, func(ctx context.Context) (err error) {
		status, err = r.formEtcd(ctx, nodes, server)
		return err
	})
	if err != nil {
		return status, err
	}
	return r.asWanted(ctx, nodes, status)
}

// settleOthers gives the nodes that are ready what they need, while others have failed: certificates, and discovery for
// as long as their etcd may still be formed. Members come and go only where all nodes are well.
func (r *Run) settleOthers(ctx context.Context, nodes []boot.Node) (status etcd.Status, err error) {
	nodes = boot.Reachable(nodes)
	if r.generation.Token == nil || len(nodes) == 0 {
		return status, nil
	}
	if err := r.certify(ctx, nodes...); err != nil {
		return status, err
	}
	if quorum := r.generation.Token.Size/2 + 1; !r.generation.Token.Formed && (len(nodes) < quorum || allFresh(nodes)) {
		return status, hint.Errorf("`mage up` goes on when the others are made anew", "etcd: %d of the %d nodes that it is formed of are ready", len(nodes), r.generation.Token.Size)
	}
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	err = r.booter().Guarded(ctx, nodes, func(ctx context.Context) (err error) {
		status, err = r.awaitQuorum(ctx, nodes)
		return err
	})
	if err == nil {
		r.log.Say("etcd: healthy without those that failed, %d of %d members", len(status.Healthy()), len(status.Peers.Voters()))
	}
	return status, err
}

// allFresh tells whether no node was in a run of `up` that came to its end: its etcd has then never been formed, and is
// formed of all its nodes only.
func allFresh(nodes []boot.Node) bool {
	return !slices.ContainsFunc(nodes, func(n boot.Node) bool {
		_, err := os.Stat(n.Step.Node.Fresh())
		return err != nil
	})
}

// serveNewcomers serves discovery from before the first node boots, if any does. Nodes that have been in use can
// do without: their etcd has found the others before.
func (r *Run) serveNewcomers(ctx context.Context) (*etcd.Server, error) {
	starting := slices.DeleteFunc(slices.Clone(r.steps), func(s plan.Step) bool { return !s.Starts() })
	if len(starting) == 0 {
		return nil, nil
	}
	server, err := r.generation.Serve(ctx, r.generationOptions())
	for _, step := range starting {
		if _, used := os.Stat(step.Node.Fresh()); err == nil || used == nil {
			return server, err
		}
	}
	r.log.Say("warning: %s", hint.FirstLine(err))
	return nil, nil
}
