package command

import (
	"context"

	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/workspace"
)

// cluster is the cluster's etcd, and the nodes that its members are on.
func (r *Run) cluster() members.Cluster {
	return members.Cluster{
		View: r.viewOf(r.generation),
		Nodes: members.Nodes{
			Boot: r.booter().One, Remove: func(node workspace.Node) error { return r.applier().Remove(node) }, Watch: r.booter().Guarded,
			Recreate: func(ctx context.Context, step plan.Step) (plan.Step, error) {
				err := r.makeAnew(ctx, &step)
				return step, err
			},
		},
		Documents: members.Documents{
			Source: r.source, Write: r.writeDocument,
			Made: func() (config.Made, error) { return r.forDocuments(r.source, r.generation, false) },
		},
	}
}

// view is the cluster's etcd as the run sees it, or as the files say if the run has no generation: targets that only ask the
// members make none.
func (r *Run) view() members.View {
	if r.generation.Token != nil {
		return r.viewOf(r.generation)
	}
	return r.viewOf(generation.Read(r.vm(), r.Prefix))
}

func (r *Run) viewOf(g generation.Generation) members.View {
	return members.View{
		Options: r.generationOptions(), Generation: g, Reach: r.reach(), SSH: members.SSH{Access: r.access(r.Prefix), User: r.User},
		Timeout: r.Timeout, Log: r.log, Times: &r.times,
		Domains: r.seen, Ahead: r.etcdSeen,
	}
}

// survey asks etcd's members how they are, at what this run has seen of the nodes so far.
func (r *Run) survey(ctx context.Context, neverFormed bool) (etcd.Status, error) {
	return r.view().Survey(ctx, neverFormed)
}
