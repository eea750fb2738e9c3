package command

import (
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt"
)

// plug changes in the running node what it takes of its new definition. What libvirt or the guest refuses is no error:
// it takes effect when the node is started next.
func (r *Run) plug(step plan.Step) error {
	if step.Live.None() {
		return nil
	}
	mark := step.Want
	switch {
	case r.refused(step):
		if len(step.Live.Cards) == 0 {
			return nil // the same: what it has of the rest libvirt tells
		}
		mark.Definition = engine.InPart
	case step.Restart:
		return nil // the digest that it was started with stays: so `plan` shows it
	default:
		r.log.Say("%s: the running node has taken it%s", step.Node.Name, r.unruled(step.Live))
	}
	element, err := libvirt.Element(mark)
	if err != nil {
		return err
	}
	return r.conn.Took(step.Node.Name, element)
}

// unruled is what is to be said of what was plugged where no rule brings it online.
func (r *Run) unruled(live engine.Live) string {
	if r.Ready || live.VCPUs == 0 && live.Memory == 0 {
		return ""
	}
	return "; ready=off: whether its system uses it is up to that"
}

// refused makes the changes in the running node, and tells whether any was refused.
func (r *Run) refused(step plan.Step) (any bool) {
	name, live := step.Node.Name, step.Live
	try := func(what string, err error) {
		if err != nil {
			any = true
			r.log.Say("%s: the running node does not take its %s, which takes effect with `mage restart`: %v", name, what, err)
		}
	}
	for _, card := range live.Cards {
		try("network", r.conn.Update(name, card))
	}
	if live.VCPUs > 0 {
		try("processors", r.conn.SetVCPUs(name, live.VCPUs))
	}
	if live.Memory > 0 {
		try("memory", r.conn.SetMemory(name, live.Memory))
	}
	return any
}
