package command

import (
	"context"
	"errors"
	"fmt"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/terminal/table"
	"coreos-libvirt/internal/workspace"
)

// shrink removes the nodes above nodes=, one after the other: its member from etcd, then the node. status is of
// the nodes that stay, in their order.
func (r *Run) shrink(ctx context.Context, status etcd.Status) error {
	removed := plan.Taking(r.plan.Surplus, plan.Remove)
	staying := etcd.Status{Members: status.Members[:min(len(status.Members), len(r.steps))]}
	for _, step := range plan.Taking(r.plan.Surplus, plan.Keep) {
		r.log.Say("%s: %s", step.Node.Name, step.Why)
	}
	if r.plan.Way == plan.NewGeneration { // they went with the others
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
