package command

import (
	"fmt"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/hint"
)

// carriedOut are the steps without those that are refused, and an error for each of those.
func carriedOut(s *settings.Settings, all []plan.Step) (steps []plan.Step, refused []error) {
	for _, step := range all {
		if step.Refused.None() {
			steps = append(steps, step)
		} else {
			refused = append(refused, fmt.Errorf("%s: %w", step.Node.Name, refusal(s, step.Node.Name, step.Refused)))
		}
	}
	return steps, refused
}

// refusal is the error that tells of the obstacle, with the ways out of it.
func refusal(s *settings.Settings, node string, o plan.Obstacle) error {
	if o.None() {
		return nil
	}
	if o.Unknown {
		return hint.Errorf(o.Way, "%s", o.What)
	}
	return hint.Errorf(fmt.Sprintf("%s, or `%s` recreates the node, without its data", o.Way, upAsCalled(s, "recreate="+node)), "%s", o.What)
}
