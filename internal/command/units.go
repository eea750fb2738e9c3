package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/guest/units"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/terminal/table"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/wait"
)

// unitsPatience is how long a node may take to answer beside what it is given to settle: an emulated one is slow.
const unitsPatience = 5 * time.Minute

// unitsReported is how long a node may take to report them by itself: a login takes a slow one longer.
const unitsReported = 20 * time.Second

// nodeUnits are the units of a node, as `mage units format=json` prints them.
type nodeUnits struct {
	Node string `json:"node"`
	units.Report
	Error string `json:"error,omitempty"` // why they are not known
	err   error
}

// Units prints how the units are that the config brings to nodes, and which others have failed. It is an error if one of the
// config has failed.
func Units(ctx context.Context, r *Run) error {
	r.onlyLook()
	nodes, err := chosenNodes(r)
	if err != nil {
		return errors.Join(noneAsJSON(r), err)
	}
	all := make([]nodeUnits, len(nodes))
	unknown := errors.Join(wait.AtOnce(len(nodes), func(i int) error {
		all[i] = unitsOf(ctx, r, nodes[i])
		return all[i].err
	})...)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(printUnits(r, all), unknown, failedUnits(r.Settings, all))
}

// noneAsJSON prints the list of nothing where a program reads it: why there is nothing is the error.
func noneAsJSON(r *Run) error {
	if r.Format != "json" {
		return nil
	}
	return table.JSON(r.out, []struct{}{})
}

// unitsOf asks a node that may not run how its units are.
func unitsOf(ctx context.Context, r *Run, node engine.Domain) nodeUnits {
	report, err := units.Report{}, standsStill(r.Settings, node)
	if err == nil {
		var access guest.Access
		var address string
		if access, address, err = r.reach().Way(ctx, node); err == nil {
			return askUnits(ctx, access, r.User, r.ws().NodeOf(node.Metadata), address, r.Settle)
		}
	}
	return newUnits(node.Name, report, err)
}

// askUnits asks the node at the address.
func askUnits(ctx context.Context, access guest.Access, user string, node workspace.Node, address string, settle time.Duration) nodeUnits {
	return askUnitsFor(ctx, unitsPatience, access, user, node, address, settle)
}

func askUnitsFor(ctx context.Context, patience time.Duration, access guest.Access, user string, node workspace.Node, address string, settle time.Duration) nodeUnits {
	brought, err := broughtTo(node)
	if err != nil {
		return newUnits(node.Name, units.Report{}, err)
	}
	asking, cancel := context.WithTimeout(ctx, settle+patience)
	defer cancel()
	report, err := units.Ask(access.Unattended(asking, user, node.Name, address, units.Command), brought, settle)
	if err != nil && ctx.Err() == nil && asking.Err() != nil {
		err = fmt.Errorf("no answer within %s", settle+patience)
	}
	return newUnits(node.Name, report, err)
}

// reportedUnits are the units as the node's own report says it now, within so long: nobody has to log in for that. known is false if it
// does not say it.
func reportedUnits(ctx context.Context, r *Run, node workspace.Node, patience time.Duration) (n nodeUnits, known bool) {
	ctx, enough := context.WithTimeout(ctx, patience)
	defer enough()
	report, err := r.reach().Report(ctx, node.Name, func(string) {})
	if err != nil {
		return n, false
	}
	brought, err := broughtTo(node)
	said, known := units.OfReport(report.Units, brought)
	return newUnits(node.Name, said, err), known && err == nil
}

func newUnits(node string, report units.Report, err error) nodeUnits {
	n := nodeUnits{Node: node, Report: report}
	if err != nil {
		n.err, n.Error = fmt.Errorf("%s: its units are not known: %w", node, err), hint.FirstLine(err)
	}
	return n
}

// brief is the cell of a table.
func (n *nodeUnits) brief() string {
	switch {
	case n == nil:
		return "-"
	case n.Error != "":
		return notKnown
	}
	return n.Brief()
}

// broughtTo are the units of the document that the node was made from.
func broughtTo(node workspace.Node) ([]units.Brought, error) {
	doc, err := os.ReadFile(node.MadeOf())
	if os.IsNotExist(err) {
		doc, err = os.ReadFile(node.Ignition())
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the document that it was made from: %w", err)
	}
	return units.Of(doc)
}

// unitsOfReady asks the nodes that are ready, all at once, unless units=off. One that ran before and reports that all is well is not
// logged in to. One that does not say how its units are is not an error: it is ready all the same.
func unitsOfReady(ctx context.Context, r *Run, nodes []boot.Node) []nodeUnits {
	if r.Units == settings.UnitsOff || !r.Ready {
		return nil
	}
	ready := slices.DeleteFunc(slices.Clone(nodes), func(n boot.Node) bool { return n.Err != nil || n.Address() == "" })
	seen := make([]nodeUnits, len(ready))
	_ = wait.AtOnce(len(ready), func(i int) error {
		shown := r.log.Track(ready[i].Step.Node.Name, "units", ready[i].Step.Node.Number)
		defer shown.Done()
		node := ready[i].Step.Node
		if ready[i].Step.Running {
			if said, known := reportedUnits(ctx, r, node, unitsReported); known && said.Brief() == units.Well {
				seen[i] = said
				return nil
			}
		}
		seen[i] = askUnits(ctx, r.access(r.Prefix), r.User, node, ready[i].Address(), r.Settle)
		return nil
	})
	for _, n := range seen {
		if n.err != nil && ctx.Err() == nil {
			r.log.Say("warning: %v", hint.Add(n.err, "`"+asCalled(r.Settings, "ssh", "node="+n.Node)+"` shows whether it can be logged in to; with units=off it is not asked"))
		}
	}
	return seen
}

// printUnits prints a line a unit, and below what those said that are not well.
func printUnits(r *Run, all []nodeUnits) error {
	if r.Format == "json" {
		return table.JSON(r.out, all)
	}
	rows := table.New("NODE", "UNIT", "STATE", "RESTARTS", "OF")
	for _, n := range all {
		for _, u := range n.Units {
			of := "the config"
			switch {
			case u.Quadlet != "":
				of = u.Quadlet
			case !u.OfConfig:
				of = "the image"
			}
			rows.Row(n.Node, u.Name, u.Active+" ("+u.Sub+")", fmt.Sprint(u.Restarts), of)
		}
	}
	if err := rows.Print(r.log.Writer()); err != nil {
		return err
	}
	sayUnits(r.log, all)
	return nil
}

// sayUnits says what is wrong with units, and what these said last, node by node.
func sayUnits(log *progress.Log, all []nodeUnits) {
	for _, n := range all {
		for i, line := range n.Lines() {
			if !strings.HasPrefix(line, " ") || i == 0 {
				line = n.Node + ": " + line
			}
			log.Say("%s", line)
		}
	}
}

// failedUnits is an error if units that the config brings have failed; with units=warn it is nil.
func failedUnits(s *settings.Settings, all []nodeUnits) error {
	failed, well, first := []string{}, []string{}, nodeUnits{}
	for _, n := range all {
		switch faults := n.Failed(); {
		case len(faults) > 0:
			if first.Node == "" {
				first = n
			}
			failed = append(failed, n.Node+": "+units.Names(faults)+" of the config failed")
		case n.err == nil && len(n.Unwell()) == 0:
			well = append(well, n.Node)
		}
	}
	if len(failed) == 0 || s.Units != settings.UnitsFail {
		return nil
	}
	if len(well) > 0 {
		failed = append(failed, "the units of "+strings.Join(well, ", ")+" are well")
	}
	return hint.Errorf(fmt.Sprintf("`%s` shows all that it said; `%s` makes the node again of a corrected config",
		asCalled(s, "journal", "node="+first.Node, "unit="+first.Failed()[0].Name), upAsCalled(s, "recreate="+first.Node)),
		"%s", strings.Join(failed, "\n"))
}
