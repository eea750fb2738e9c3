package command

import (
	"fmt"
	"slices"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
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
