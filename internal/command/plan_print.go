package command

import (
	"fmt"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/terminal/table"
)

// plannedStep is a step as `mage plan format=json` prints it.
type plannedStep struct {
	Node   string `json:"node"`
	Action string `json:"action"` // create, recreate, redefine, start, remove or unchanged
	Reason string `json:"reason"`
	Starts bool   `json:"starts"`           // whether the node is booted
	Drift  string `json:"drift,omitempty"`  // what needs the node made anew and is left
	Edited string `json:"edited,omitempty"` // what somebody else changed, as a diff
}

func describeStep(s plan.Step) plannedStep {
	p := plannedStep{Node: s.Node.Name, Action: string(s.Action), Reason: s.Why, Starts: s.Starts(), Drift: s.Drift, Edited: s.Edited}
	p.Reason += takesEffect(s)
	switch {
	case s.Action == plan.Keep && s.Starts():
		p.Action, p.Reason = "start", "it does not run"
	case s.Action == plan.Keep:
		p.Action = "unchanged"
	}
	if s.Drift != "" {
		p.Reason += fmt.Sprintf("; %s since it was made: %s", s.Drift, anewBy(s))
	}
	return p
}

func (r *Run) printPlan(p plan.Plan) error {
	all := []plannedStep{}
	for _, s := range p.All() {
		all = append(all, describeStep(s))
	}
	if r.Format == "json" {
		return table.JSON(r.log.Writer(), all)
	}
	rows := table.New("NODE", "ACTION", "REASON")
	for _, p := range all {
		rows.Row(p.Node, p.Action, p.Reason)
	}
	if err := rows.Print(r.log.Writer()); err != nil {
		return err
	}
	for _, note := range p.Notes {
		r.log.Say("%s", note)
	}
	for _, p := range all {
		if p.Edited != "" {
			r.log.Say("%s: somebody else changed its definition; redefine=true overwrites that\n%s", p.Node, p.Edited)
		}
	}
	return nil
}
