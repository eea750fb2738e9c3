package apply

import (
	"errors"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
)

// plug changes in the running node what it takes of its new definition. What the engine or the guest refuses is not an error: it
// takes effect when the node is started next.
func (a Applier) plug(step plan.Step) error {
	if step.Live.None() {
		return nil
	}
	changer, ok := engine.As[engine.Changer](a.Engine)
	if !ok {
		changer = unchanging{}
	}
	mark := step.Want
	switch {
	case a.refused(changer, step):
		if len(step.Live.Cards)+len(step.Live.Disks) == 0 {
			return nil // the same: what it has of the rest the engine says
		}
		mark.Definition = engine.InPart
	case step.Restart:
		return nil // the digest that it was started with stays: so `plan` shows it
	default:
		a.Say("%s: the running node has taken it%s", step.Node.Name, a.unruled(step.Live))
	}
	return changer.Took(step.Node.Name, mark)
}

// unruled is what is to be said of what was plugged, if no rule in the guest brings it online.
func (a Applier) unruled(live engine.Live) string {
	if a.Plugs || live.VCPUs == 0 && live.Memory == 0 {
		return ""
	}
	return "; ready=off: whether its system uses it is up to that"
}

// refused makes the changes in the running node, and reports whether any was refused.
func (a Applier) refused(changer engine.Changer, step plan.Step) (any bool) {
	name, live := step.Node.Name, step.Live
	try := func(what string, err error) {
		if err != nil {
			any = true
			a.Say("%s: the running node does not take its %s, which takes effect with `mage restart`: %v", name, what, err)
		}
	}
	for _, card := range live.Cards {
		try("network", changer.Update(name, card))
	}
	for _, disk := range live.Disks {
		try("disks", changer.Attach(name, disk))
	}
	if live.VCPUs > 0 {
		try("processors", changer.SetVCPUs(name, live.VCPUs))
	}
	if live.Memory > 0 {
		try("memory", changer.SetMemory(name, live.Memory))
	}
	return any
}

// unchanging is an engine that changes no running domain.
type unchanging struct{}

var errUnchanging = errors.New("its engine changes no running node")

func (unchanging) Update(string, string) error        { return errUnchanging }
func (unchanging) Attach(string, string) error        { return errUnchanging }
func (unchanging) Resize(string, string, int) error   { return errUnchanging }
func (unchanging) SetVCPUs(string, int) error         { return errUnchanging }
func (unchanging) SetMemory(string, int) error        { return errUnchanging }
func (unchanging) Took(string, engine.Metadata) error { return nil }
