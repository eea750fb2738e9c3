package command

import (
	"context"
	"slices"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/workspace"
)

// clusterOf is the cluster's etcd, and the nodes that its members are on.
func clusterOf(r *Run, d defined, booter boot.Booter) members.Cluster {
	return members.Cluster{
		View: viewOf(r, d.rendered, d.domains),
		Nodes: members.Nodes{
			Boot: booter.One, Remove: d.apply.Remove, Watch: booter.Guarded,
			Recreate: func(ctx context.Context, step plan.Step) (plan.Step, error) { return recreate(ctx, d, step) },
		},
		Documents: members.Documents{
			Source: d.source,
			Write:  func(doc config.Document) error { return writeDocuments(r.ws(), d.generation, r.log.Say, doc) },
			Made:   func() (config.Made, error) { return forDocuments(r, d.source, d.generation, false) },
		},
	}
}

// view is the cluster's etcd as the files say: that of targets which only ask the members.
func (r *Run) view() members.View {
	o := r.generationOptions()
	o.Nodes = slices.DeleteFunc(o.Nodes, func(node workspace.Node) bool { return node.Group != "" && !r.at().Made(node).IsMember() })
	return viewWith(r, o, generation.Read(o.Dir, r.Prefix), nil)
}

// viewOf is the etcd of the cluster's generation. domains are all of the host's, as they were before this run changed any.
func viewOf(r *Run, m rendered, domains map[string]engine.Domain) members.View {
	o, _ := generation.WithMembers(r.generationOptions(), m.source) // which was read for the generation before
	return viewWith(r, o, m.generation, domains)
}

func viewWith(r *Run, o generation.Options, current generation.Generation, domains map[string]engine.Domain) members.View {
	return members.View{
		Options: o, Generation: current, Reach: r.reach(), SSH: members.SSH{Access: r.access(r.Prefix), User: r.User},
		Timeout: r.Timeout, Log: r.log, Times: &r.times, Domains: domains,
	}
}
