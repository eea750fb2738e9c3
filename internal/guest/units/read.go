package units

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"coreos-libvirt/internal/terminal/printable"
)

// answer is what Script has printed, in its parts.
type answer struct {
	state   string        // systemd's word for the whole system
	up      time.Duration // since the node's boot
	records []record
	journal map[string][]string // of units that are not well
}

// record is what `systemctl show` says of a unit.
type record map[string]string

func (r record) number(property string) int {
	n, _ := strconv.Atoi(r[property])
	return n
}

// isOf reports whether the record is of the unit of that name, which may be one of several.
func (r record) isOf(name string) bool {
	return r["Id"] == name || slices.Contains(strings.Fields(r["Names"]), name)
}

// Read reads what the Script of these units, with this mark, has printed in a node.
func Read(brought []Brought, mark, said string) (Report, error) {
	a, err := partsOf(mark, said)
	if err != nil {
		return Report{}, err
	}
	if len(brought) > 0 && len(a.records) == 0 {
		return Report{}, errors.New("the node's systemctl does not say how its units are")
	}
	report := Report{State: a.state, Units: []Unit{}}
	for _, b := range brought {
		at := slices.IndexFunc(a.records, func(r record) bool { return r.isOf(b.Name) })
		r := record{"Id": b.Name, "LoadState": "error"} // systemd takes the name for none
		if at >= 0 {
			r = a.records[at]
		}
		report.Units = append(report.Units, a.unit(r, b, true))
	}
	for _, r := range a.records {
		known := func(u Unit) bool { return r.isOf(u.Name) }
		if u := a.unit(r, Brought{Name: printable.Line(r["Id"])}, false); u.Fault != None && u.Name != "" && !slices.ContainsFunc(report.Units, known) {
			report.Units = append(report.Units, u)
		}
	}
	return report, nil
}

func partsOf(mark, said string) (a answer, err error) {
	a.journal = map[string][]string{}
	_, said, begun := strings.Cut("\n"+said, "\n"+mark+" system ")
	said, _, whole := strings.Cut(said, "\n"+mark+" end")
	if !begun || !whole {
		return a, errors.New("the node does not say how its units are")
	}
	parts := strings.Split(said, "\n"+mark+" journal ")
	head, shown, _ := strings.Cut(parts[0], "\n")
	up, state, _ := strings.Cut(head, " ")
	seconds, err := strconv.ParseFloat(up, 64)
	if err != nil {
		return a, fmt.Errorf("the node does not say how long it has been up: %w", err)
	}
	a.up, a.state, a.records = time.Duration(seconds*float64(time.Second)), printable.Line(state), recordsOf(shown)
	for _, part := range parts[1:] {
		name, lines, _ := strings.Cut(part, "\n")
		a.journal[name] = linesOf(lines)
	}
	return a, nil
}

func recordsOf(shown string) (all []record) {
	for _, block := range strings.Split(shown, "\n\n") {
		r := record{}
		for line := range strings.Lines(block) {
			if property, value, is := strings.Cut(strings.TrimSuffix(line, "\n"), "="); is {
				r[property] = value
			}
		}
		if r["Id"] != "" {
			all = append(all, r)
		}
	}
	return all
}

func linesOf(text string) (lines []string) {
	for line := range strings.Lines(text) {
		if line = printable.Line(strings.TrimSuffix(line, "\n")); line != "" {
			lines = append(lines, line)
		}
	}
	return lines[max(0, len(lines)-mostLines):] // a message may have several lines
}

// unit is the unit as the node's systemd sees it.
func (a answer) unit(r record, b Brought, ours bool) Unit {
	u := Unit{
		Name: b.Name, OfConfig: ours, Quadlet: b.Quadlet, Restarts: r.number("NRestarts"), Exit: exitOf(r),
		Active: printable.Line(r["ActiveState"]), Sub: printable.Line(r["SubState"]), Journal: a.journal[r["Id"]],
	}
	if r["Result"] != "success" {
		u.Result = printable.Line(r["Result"])
	}
	u.Fault, u.Why = a.faultOf(r, b)
	if u.Fault == Idle && slices.ContainsFunc(u.Journal, func(line string) bool { return strings.Contains(line, "Dependency failed for ") }) {
		u.Fault, u.Why, u.Result = Failed, "", "dependency"
	}
	return u
}

// Words of systemd's.
const (
	notFound = "not-found"
	inactive = "inactive"
)

const (
	// manyRestarts are as many as no service needs that waits for another.
	manyRestarts = 3
	// steady is how long a service that was restarted so often has to run to be believed.
	steady = 10 * time.Second
)

// faultOf is what is wrong with a unit, if anything is, and why it is thought so.
func (a answer) faultOf(r record, b Brought) (fault Fault, why string) {
	active := r["ActiveState"]
	switch load := r["LoadState"]; {
	case load == notFound && b.Quadlet != "":
		return Missing, "Podman made no unit of " + b.Quadlet
	case load == notFound && b.Starts:
		return Missing, "the node has no such unit"
	case load == "bad-setting" || load == "error":
		return Missing, "systemd cannot load it (" + load + ")"
	case active == "failed":
		return Failed, ""
	case a.loops(r):
		return Loops, ""
	case !b.Starts || slices.Contains([]string{"active", "reloading", "refreshing", "maintenance"}, active):
		return None, ""
	case active != inactive:
		return Starting, ""
	}
	return a.idle(r)
}

// loops reports whether a service is restarted over and over: it waits for that, or has run for a moment after many.
func (a answer) loops(r record) bool {
	if strings.HasPrefix(r["SubState"], "auto-restart") {
		return true
	}
	since := a.up - time.Duration(r.number("ActiveEnterTimestampMonotonic"))*time.Microsecond
	return r.number("NRestarts") >= manyRestarts && (r["ActiveState"] == "activating" || r["ActiveState"] == "active" && since < steady)
}

// idle is why a unit is not active that should be. One that has done its work is well, and so is one whose condition does not hold.
func (a answer) idle(r record) (fault Fault, why string) {
	switch {
	case r.number("InactiveEnterTimestampMonotonic") > 0 && (r["Type"] == "" || r["Type"] == "oneshot"):
		return None, ""
	case r.number("InactiveEnterTimestampMonotonic") > 0:
		return Idle, "it has ended by itself"
	case r.number("ConditionTimestampMonotonic") > 0 && r["ConditionResult"] == "no":
		return None, ""
	case a.state == "starting" || a.state == "initializing":
		return Starting, ""
	}
	return Idle, "it was not started, and is " + cmp.Or(printable.Line(r["UnitFileState"]), "not enabled")
}
