package command

import (
	"testing"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/workspace"
)

// TestOrderOfTry: one changed node first, unless they cannot be well alone.
func TestOrderOfTry(t *testing.T) {
	step := func(name string, action plan.Action, unasked bool) plan.Step {
		return plan.Step{Node: workspace.Node{Name: name}, Action: action, Unasked: unasked, Running: action != plan.Create}
	}
	changed := func(name string) plan.Step { return step(name, plan.Recreate, false) }
	never := func(name string) plan.Step { return step(name, plan.Recreate, true) }
	kept := step("core01", plan.Keep, false)
	for name, c := range map[string]struct {
		steps    []plan.Step
		way      plan.Way
		node     string
		parallel bool
		only     string
		rest     bool
		does     bool
	}{
		"nothing changed":                   {steps: []plan.Step{kept}},
		"one changed":                       {steps: []plan.Step{kept, changed("core02")}, does: true},
		"two changed":                       {steps: []plan.Step{kept, changed("core02"), changed("core03")}, only: "core02", rest: true, does: true},
		"two changed, at once":              {steps: []plan.Step{changed("core01"), changed("core02")}, way: plan.Together, parallel: true, only: "core01", rest: true, does: true},
		"an etcd that never formed":         {steps: []plan.Step{changed("core01"), changed("core02")}, way: plan.Together, does: true},
		"a new generation":                  {steps: []plan.Step{changed("core01"), changed("core02")}, way: plan.NewGeneration, does: true},
		"the first boot never succeeded":    {steps: []plan.Step{never("core01"), never("core02")}, way: plan.Together, does: true},
		"a new cluster":                     {steps: []plan.Step{step("core01", plan.Create, false), step("core02", plan.Create, false)}, does: true},
		"node=":                             {steps: []plan.Step{changed("core01"), changed("core02")}, node: "core02", only: "core02", does: true},
		"node= is one that did not change":  {steps: []plan.Step{kept, changed("core02")}, node: "core01", only: "core01"},
		"another than node= is to be begun": {steps: []plan.Step{kept, step("core02", plan.Create, false)}, node: "core01", only: "core01", does: true},
	} {
		p := plan.Plan{Steps: c.steps, Way: c.way}
		only, rest := order(p, c.node, c.parallel)
		if does := isOnlyChanged(p, only); only != c.only || rest != c.rest || does != c.does {
			t.Errorf("%s: got %q, %t, %t", name, only, rest, does)
		}
	}
}
