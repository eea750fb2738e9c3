package plan

import (
	"cmp"
	"slices"
)

// Way is how nodes are recreated.
type Way int

// The ways.
const (
	InTurn        Way = iota // one after the other, each ready before the next
	Together                 // all at once
	NewGeneration            // all nodes at once, with another token of etcd's
)

// Plan is what a run does.
type Plan struct {
	Steps   []Step // of the nodes that shall be, in their order
	Surplus []Step // of the nodes above nodes=, or that are in no group any more, the last first
	Way     Way
	Notes   []string // what the user should know of it
}

// All are the steps of all nodes.
func (p Plan) All() []Step { return slices.Concat(p.Steps, p.Surplus) }

// Make works out what is done to come from the nodes that there are to those that are wanted. have has all nodes of the
// cluster by name: those that are wanted, and those that are there. An error says why nothing is done.
func Make(want []Blueprint, have map[string]Found, o Options, e Etcd) (Plan, error) {
	m := making{Plan: steps(want, have, o, e), want: want, have: have, o: o, e: e, addresses: addressesOf(have)}
	if err := o.checkGroups(have); err != nil {
		return m.Plan, err
	}
	err := m.settleMembers()
	m.settleWorkers()
	return m.Plan, cmp.Or(err, m.checkKnown())
}

// AsksMembers reports whether what is done depends on what etcd's members answer: nodes are added to those that there are,
// recreated or removed.
func AsksMembers(want []Blueprint, have map[string]Found, o Options, e Etcd) bool {
	m := making{Plan: steps(want, have, o, e), have: have, o: o, e: e}
	return e.Exists && o.checkGroups(have) == nil && m.checkUnready() == nil && m.changesMembers()
}

// steps are those that need nothing of etcd's members.
func steps(want []Blueprint, have map[string]Found, o Options, e Etcd) Plan {
	p := Plan{Way: InTurn, Surplus: surplus(want, have, o)}
	for _, b := range want {
		p.Steps = append(p.Steps, b.step(have[b.Doc.Name], e))
	}
	if !e.Exists && (o.Parallel || o.All || onlyUnasked(p.Steps)) {
		p.Way = Together
	}
	return p
}

// step is the node's own.
func (b Blueprint) step(found Found, e Etcd) Step {
	if !found.Unknown.None() {
		return Step{Node: b.Doc.Node, Want: b.Mark, Action: Keep, Why: "not known", Refused: found.Unknown}
	}
	want, spec := b.Mark, b.Spec
	if found.Definition != "" {
		want.Definition, spec = found.Definition, found.Spec
	}
	step := ForNode(b.Doc.Node, want, found)
	if step.Makes() {
		step.Want.Definition, spec = b.Mark.Definition, b.Spec
	}
	step.Want.Firmware = cmp.Or(step.Want.Firmware, spec.FirmwareWord())
	if step.Action == Keep && e.Exists && found.Fresh && step.Want.IsMember() { // if its etcd is healthy, the node is made a member
		step.Why += "; no run has come to its end since it was made: if it is not a member of etcd yet, it is recreated as one"
	}
	step.Found, step.Says = found.unrecorded(step), found.saysOther(step)
	return found.withLive(step)
}

// onlyUnasked reports whether all nodes that are recreated have no data.
func onlyUnasked(steps []Step) bool {
	recreated := Taking(steps, Recreate)
	return len(recreated) > 0 && !slices.ContainsFunc(recreated, func(s Step) bool { return !s.Unasked })
}

// unrecorded is libvirt's definition of a node that is kept, if it is as it was made and no run has noted that; else empty.
func (f Found) unrecorded(step Step) string {
	if step.Action != Keep || step.Edited != "" || !step.Snapped.None() || f.Domain.Metadata.Definition != step.Want.Definition || f.Recorded {
		return ""
	}
	return f.Domain.XML
}

// saysOther reports whether the mark of a node that is kept says other settings than the cluster is made with by now. One that was made
// for what cannot change in it goes on to say that. What somebody else has changed in the domain stays to be seen: such a one is left
// alone, too.
func (f Found) saysOther(step Step) bool {
	return step.Action == Keep && f.Defined && !f.Domain.Transient && step.Edited == "" && step.Snapped.None() && !step.NeedsRecreate &&
		step.Want.Settings != "" && f.Domain.Metadata.Settings != step.Want.Settings
}

// withLive is the step, with what of a changed definition the running node takes. A guest that may not have the rule by
// which it uses what is plugged gets no processors and no memory.
func (f Found) withLive(step Step) Step {
	if step.Action != Redefine || !step.Running || step.Edited != "" || f.Takes == nil {
		return step
	}
	live := *f.Takes
	if f.Unruled {
		live = live.WithoutPlugging()
	}
	step.Take(live)
	return step
}
