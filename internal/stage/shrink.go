package stage

import (
	"context"
	"fmt"

	"coreos-libvirt/internal/cluster"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/hint"
)

// surplus are the nodes of the cluster above nodes=, the highest number first.
func (r *Run) surplus() []cluster.Step {
	members := cluster.Members(r.seen, r.Workspace, r.Prefix)
	steps := []cluster.Step{}
	for i := len(members) - 1; i >= 0; i-- {
		d := members[i]
		if d.Metadata.Number <= r.Nodes {
			continue
		}
		step := cluster.Step{
			Node: cluster.NodeAt(r.vm(), r.Prefix, d.Metadata.Number), Action: cluster.Remove, Running: d.State == cluster.Running,
			Why: fmt.Sprintf("nodes=%d", r.Nodes),
		}
		if !r.Given("nodes") { // nobody said that there shall be fewer
			step.Action, step.Running, step.Why = cluster.Keep, true, fmt.Sprintf("left as it is, nodes=%d would remove it", r.Nodes)
		}
		steps = append(steps, step)
	}
	return steps
}

// shrink removes the nodes above nodes=, one after the other: its member from etcd, then the node.
func (r *Run) shrink(ctx context.Context, status etcd.Status) error {
	for _, step := range r.surplus() {
		if step.Action != cluster.Remove {
			r.log.Say("%s: %s", step.Node.Name, step.Why)
			continue
		}
		if err := r.dismiss(ctx, step.Node, status); err != nil {
			return fmt.Errorf("%s: %w", step.Node.Name, err)
		}
	}
	return nil
}

func (r *Run) dismiss(ctx context.Context, node cluster.Node, status etcd.Status) error {
	if r.token != nil && !r.Ready {
		return hint.Errorf("without ready=off it is taken out", "its member of etcd cannot be taken out: with ready=off no node tells where it is")
	}
	if r.token != nil {
		peer, err := r.leave(ctx, node.Name, endpointsOfMembers(status.Healthy()))
		if err != nil {
			return err
		}
		if peer.ID != "" {
			r.log.Say("%s: has left etcd", node.Name)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.removeDomain(node); err != nil {
		return err
	}
	if err := removeFolder(node); err != nil {
		return err
	}
	r.log.Say("%s: removed", node.Name)
	return nil
}

// Etcd prints the members of the cluster's etcd.
func (r *Run) Etcd(ctx context.Context) error {
	nodes, err := r.reached(ctx)
	if err != nil {
		return err
	}
	if _, err := r.helper().Build(ctx, r.log.Say); err != nil {
		return err
	}
	endpoints, names := r.endpointsOf(nodes)
	status, err := r.membersHelper().Status(ctx, endpoints, membersPatience)
	if err != nil {
		return err
	}
	if r.Format == "json" {
		return r.printJSON(status.Members)
	}
	return r.printMembers(status, names)
}
