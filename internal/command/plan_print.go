package command

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/config/readable"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/table"
)

// plannedStep is a step as `mage plan format=json` prints it.
type plannedStep struct {
	Node    string `json:"node"`
	Host    string `json:"host,omitempty"` // if there are several: where it is, or is made
	Action  string `json:"action"`         // create, recreate, redefine, refused, start, remove, outdated, recreate needed or unchanged
	Reason  string `json:"reason"`
	Starts  bool   `json:"starts"`            // whether the node is booted
	Drift   string `json:"drift,omitempty"`   // what needs the node recreated and is left
	Command string `json:"command,omitempty"` // that recreates it
	Edited  string `json:"edited,omitempty"`  // what somebody else changed, as a diff
	Diff    string `json:"diff,omitempty"`    // what changed in its Ignition document since it was made
}

// describeStep is a step without the command that recreates its node. restart is the command that starts it again.
func describeStep(s plan.Step, restart string) plannedStep {
	p := plannedStep{Node: s.Node.Name, Action: string(s.Action), Reason: s.Why, Starts: s.Starts(), Edited: s.Edited}
	p.Reason += takesEffect(s, restart)
	switch {
	case !s.Refused.None():
		p.Action, p.Reason, p.Starts = "refused", s.Refused.What, false
		return p
	case s.NeedsRecreate:
		p.Action = "recreate needed"
	case s.Action == plan.Keep && s.Starts():
		p.Action, p.Reason = "start", "it does not run"
	case s.Action == plan.Keep && s.Old():
		p.Action = "outdated"
	case s.Action == plan.Keep:
		p.Action = "unchanged"
	}
	if p.Drift = s.Drift; s.Drift != "" {
		p.Reason += fmt.Sprintf("; %s since it was made", s.Drift)
	}
	return p
}

// described is a step as it is printed: with the command that recreates what is left as it is.
func described(settings *settings.Settings, s plan.Step) plannedStep {
	p := describeStep(s, restartOf(settings, s.Node.Name))
	if p.Drift != "" {
		p.Command = recreatedBy(settings, s)
		p.Reason += ": " + recreates(s, p.Command)
	}
	return p
}

// describeSteps are the steps as they are printed, with what changed in documents, but for diff=false.
func describeSteps(r *Run, steps []plan.Step, hosts map[string]string, documents []config.Document) (all []plannedStep, diffs []readable.Difference, err error) {
	if r.Diff {
		if diffs, err = documentDifferences(steps, documents); err != nil {
			return nil, nil, err
		}
	}
	for _, s := range steps {
		p := described(r.Settings, s)
		p.Host = hostOf(r, s.Node.Name, hosts)
		for _, diff := range diffs {
			if slices.Contains(diff.Nodes, p.Node) {
				p.Diff = diff.Hunks
			}
		}
		all = append(all, p)
	}
	return all, diffs, nil
}

// documentDifferences is what changed in the nodes' documents since they were made. Of nodes that were made by a version of
// this project that kept no document it is not known.
func documentDifferences(steps []plan.Step, documents []config.Document) ([]readable.Difference, error) {
	before, after, nodes := map[string]string{}, map[string]string{}, []string{}
	for _, s := range steps {
		old, err := os.ReadFile(s.Node.MadeOf())
		i := slices.IndexFunc(documents, func(d config.Document) bool { return d.Name == s.Node.Name })
		if !s.OldConfig || err != nil || i < 0 {
			continue
		}
		for text, doc := range map[*map[string]string][]byte{&before: old, &after: documents[i].JSON} {
			shown, err := readable.Document(doc)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.Node.Name, err)
			}
			(*text)[s.Node.Name] = string(shown)
		}
		nodes = append(nodes, s.Node.Name)
	}
	return readable.Differences(nodes, before, after), nil
}

func printPlan(r *Run, p planned) error {
	all, diffs, err := describeSteps(r, p.plan.All(), p.hosts, p.documents)
	if err != nil {
		return err
	}
	if r.Format == "json" {
		return table.JSON(r.out, all)
	}
	rows := hostTable(r, "NODE", "ACTION", "REASON")
	for _, p := range all {
		rows.row(p.Host, p.Node, p.Action, p.Reason)
	}
	if err := rows.Print(r.log.Writer()); err != nil {
		return err
	}
	for _, note := range p.plan.Notes {
		r.log.Say("%s", note)
	}
	for _, s := range p.plan.All() {
		if s.Edited != "" {
			r.log.Say("%s: somebody else changed its definition; %s\n%s", s.Node.Name, overwrites(s.Snapped, upAsCalled(r.Settings, "redefine=true")), s.Edited)
		}
	}
	for _, diff := range diffs {
		r.log.Say("%s: what changed in the Ignition document\n%s", strings.Join(diff.Nodes, ", "), diff.Hunks)
	}
	return nil
}
