package command

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/terminal/table"
	"coreos-libvirt/internal/workspace"
)

// surplus are the nodes of the cluster above nodes=, the highest number first.
func (r *Run) surplus() []plan.Step {
	members := engine.Members(r.seen, r.Workspace, r.Prefix)
	slices.SortFunc(members, func(a, b engine.Domain) int { return a.Metadata.Number - b.Metadata.Number })
	steps := []plan.Step{}
	for i := len(members) - 1; i >= 0; i-- {
		d := members[i]
		if d.Metadata.Number <= r.Nodes {
			continue
		}
		step := plan.Step{
			Node: r.ws().Node(r.Prefix, d.Metadata.Number), Action: plan.Remove, Running: d.State == engine.Running,
			Why: fmt.Sprintf("nodes=%d", r.Nodes),
		}
		if !r.Given("nodes") { // nobody said that there shall be fewer
			step.Action, step.Running, step.Why = plan.Keep, true, fmt.Sprintf("left as it is, nodes=%d would remove it", r.Nodes)
		}
		steps = append(steps, step)
	}
	return steps
}

// shrink removes the nodes above nodes=, one after the other: its member from etcd, then the node. status is of
// the nodes that stay, in their order.
func (r *Run) shrink(ctx context.Context, status etcd.Status) error {
	surplus := r.surplus()
	removed := taking(surplus, plan.Remove)
	staying := etcd.Status{Members: status.Members[:min(len(status.Members), len(r.steps))]}
	for _, step := range taking(surplus, plan.Keep) {
		r.log.Say("%s: %s", step.Node.Name, step.Why)
	}
	if r.newCluster { // they went with the others
		return nil
	}
	for i, step := range removed {
		later := []workspace.Node{}
		for _, other := range removed[i+1:] {
			later = append(later, other.Node)
		}
		if err := r.removeNode(ctx, step.Node, endpointsOfMembers(staying.Healthy()), later); err != nil {
			return fmt.Errorf("%s: %w", step.Node.Name, err)
		}
	}
	return nil
}

// Etcd prints the members of the cluster's etcd.
func (r *Run) Etcd(ctx context.Context) error {
	nodes, err := r.reached(ctx)
	if err != nil {
		return err
	}
	if _, err := r.etcd.Build(ctx, r.log.Say); err != nil {
		return err
	}
	endpoints, names := r.endpointsOf(nodes)
	status, err := r.membersHelper().Status(ctx, endpoints, membersPatience)
	if err != nil {
		return err
	}
	if r.Format == "json" {
		err = table.JSON(r.log.Writer(), status.Members)
	} else {
		err = r.printMembers(status, names)
	}
	return errors.Join(err, status.Whole(len(endpoints)))
}
