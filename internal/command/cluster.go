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
		View: viewOf(r, r.generation),
		Nodes: members.Nodes{
			Boot: r.booter().One, Remove: func(node workspace.Node) error { return r.applier().Remove(node) }, Watch: r.booter().Guarded,
			Recreate: func(ctx context.Context, step plan.Step) (plan.Step, error) {
				err := makeAnew(ctx, r, &step)
				return step, err
			},
		},
		Documents: members.Documents{
			Source: r.source, Write: func(d config.Document) error { return writeDocument(r, d) },
			Made: func() (config.Made, error) { return forDocuments(r, r.rendered, false) },
		},
	}
}

// view is the cluster's etcd as the run sees it, or as the files say if the run has no generation: targets that only ask the
// members make none.
func (r *Run) view() members.View {
	if r.generation.Token != nil {
		return viewOf(r, r.generation)
	}
	return viewOf(r, generation.Read(r.ws().VM(), r.Prefix))
}

func viewOf(r *Run, g generation.Generation) members.View {
	return members.View{
		Options: r.generationOptions(), Generation: g, Reach: r.reach(), SSH: members.SSH{Access: r.access(r.Prefix), User: r.User},
		Timeout: r.Timeout, Log: r.log, Times: &r.times,
		Domains: r.seen, Ahead: r.etcdSeen,
	}
}

// survey asks etcd's members how they are, at what this run has seen of the nodes so far.
func survey(ctx context.Context, r *Run, neverFormed bool) (etcd.Status, error) {
	return r.view().Survey(ctx, neverFormed)
}
