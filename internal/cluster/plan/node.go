package plan

import (
	"cmp"
	"fmt"
	"path"
	"strings"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
)

// ForNode is the step for a node that must be as want says, given what there is.
func ForNode(node workspace.Node, want engine.Metadata, found Found) Step {
	step := Step{Node: node, Want: want, Running: found.Defined && found.Domain.State == engine.Running, Edited: found.Edited}
	if !found.Defined && !found.Orphan() {
		return step.create(found.Disk.Exists)
	}
	have := found.have(want)
	further := CompareDisks(have.Disks, want.Disks)
	fixed := cmp.Or(found.fixed(have, want), further.fixed())
	changed := cmp.Or(fixed, changes(have, want, found.Disk), further.changed())
	step.OldConfig, step.OldBase = have.Ignition != want.Ignition, have.Base != want.Base
	if step.Action, step.Why = found.recreated(changed); step.Action == Recreate {
		step.Why += furtherGo(have)
	}
	if step.Action != "" {
		return step
	}
	if step.OldConfig && found.NeverReady && found.Edited == "" && found.Disk.Instead == "" {
		step.Action, step.Unasked, step.Why = Recreate, true, "its first boot never succeeded, and "+changed
		return step
	}
	step.keep(have, changed)
	step.NeedsRecreate = fixed != "" && found.Defined
	step.define(have, want, found)
	step.furtherDisks(further, have)
	step.Refused, step.Snapped = found.refusal(step), found.elsewhere()
	if step.Refused.None() {
		step.Refused = further.refusal()
	}
	return step
}

// create is the step of a node without a domain.
func (s Step) create(overlay bool) Step {
	s.Action, s.Why = Create, "new"
	if overlay {
		s.Why = "an overlay without a domain is recreated"
	}
	return s
}

// furtherDisks tells what becomes of the node's further disks with the step.
func (s *Step) furtherDisks(f Further, have engine.Metadata) {
	if s.Action != Redefine {
		s.Want.Disks = have.Disks
		return
	}
	s.Adds, s.Grows = f.Adds, f.Grows
	if len(f.Keeps) > 0 {
		s.Want.Disks = engine.DisksText(f.Keeps)
	}
}

// define decides what becomes of the definition of a node that goes on as it was made.
func (s *Step) define(have, want engine.Metadata, found Found) {
	s.Action, s.Why = definition(have, want, found)
	if s.NeedsRecreate {
		s.Action, s.Why = Keep, "defined, left as it is"
	}
	if s.Running || found.Defined && found.Domain.State == engine.Paused { // which goes on as it was started
		s.compareRunning(found.Domain)
	}
}

// keep has the node go on as it was made. changed is what differs.
func (s *Step) keep(have engine.Metadata, changed string) {
	if changed != "" {
		s.Drift = changed
		s.Want.Ignition, s.Want.Base, s.Want.Image, s.Want.Disk = have.Ignition, have.Base, have.Image, have.Disk
	}
	s.Want.Firmware, s.Want.Etcd, s.Want.Birth = have.Firmware, have.Etcd, have.Birth
	if s.Want.Settings == have.Settings {
		s.Want.Said = have.Said
	}
	if s.Want.Disk == 0 {
		s.Want.Disk = have.Disk
	}
}

// compareRunning tells what the definition that the domain was started with means for the step.
func (s *Step) compareRunning(d engine.Domain) {
	s.Outdated, s.AsStarted, s.Runs = d.Outdated(), d.Started == s.Want.Definition, d.Runs
	s.Restart = s.Outdated || d.Started != "" && !d.Runs.SameAs(d.Machine)
	if s.Action == Redefine {
		s.Restart = !s.AsStarted
	}
}

// Take notes what the running domain takes of the definition that is wanted.
func (s *Step) Take(live engine.Live) {
	s.Live = live
	s.Restart = live.Short || !s.AsStarted && (live.Rest || live.None() || s.Outdated)
}

// recreated tells how the node is recreated, if it is. Somebody else's changes would go with that: they are kept, unless
// the user wants this very node recreated, or them overwritten.
func (f Found) recreated(changed string) (Action, string) {
	switch {
	case f.Force:
		return Recreate, "as recreate= says"
	case changed == "" || f.Disk.Instead != "" || f.Defined && f.Edited != "" && !f.Redefine:
		return "", ""
	case f.Defined && !f.Domain.InUse() && !f.Disk.HasData():
		return Create, changed
	case f.Recreate:
		return Recreate, changed
	}
	return "", ""
}

// changes names what of a node's making differs: these take effect only on a node recreated.
func changes(have, want engine.Metadata, disk engine.Disk) string {
	switch {
	case !disk.Exists:
		return "its overlay is gone"
	case have.Base != want.Base: // for another system documents differ, too
		return fmt.Sprintf("the base image changed: %s", fromTo(have.Base, want.Base))
	case have.Ignition != want.Ignition:
		return "ignition.json changed"
	case disk.Backing != "" && disk.Backing != want.Base:
		return fmt.Sprintf("its overlay stands on %s", disk.Backing)
	case have.Image != "" && want.Image != "" && have.Image != want.Image:
		return fmt.Sprintf("the file %s changed", want.Base)
	}
	if have.Disk != 0 && want.Disk != 0 && have.Disk != want.Disk {
		return fmt.Sprintf("disk= changed from %d to %d", have.Disk, want.Disk)
	}
	return ""
}

// fromTo names two base images: by their files' names, or their paths if those are the same.
func fromTo(from, to string) string {
	if path.Base(from) != path.Base(to) {
		from, to = path.Base(from), path.Base(to)
	}
	return strings.TrimSuffix(from, ".qcow2") + " → " + strings.TrimSuffix(to, ".qcow2")
}

// fixed names what the node was made for, cannot change in it, and the user now wants otherwise.
func (f Found) fixed(have, want engine.Metadata) string {
	switch {
	case f.Domain.Arch != "" && f.Arch != "" && f.Domain.Arch != f.Arch:
		return fmt.Sprintf("arch= changed from %s to %s", f.Domain.Arch, f.Arch)
	case have.Firmware != "" && want.Firmware != "" && have.Firmware != want.Firmware:
		return fmt.Sprintf("firmware= changed from %s to %s", have.Firmware, want.Firmware)
	}
	return ""
}

// differences names what differs between the domain's definition and that of the hardware; empty if it is something else.
func differences(d engine.Domain, spec engine.Hardware, further ...string) string {
	all := []string{}
	if was := d.Machine.Memory; was != spec.RAM && was != 0 && spec.RAM != 0 {
		all = append(all, fmt.Sprintf("ram %d → %d MiB", was, spec.RAM))
	}
	if was := d.Machine.VCPUs; was != spec.VCPU && was != 0 && spec.VCPU != 0 {
		all = append(all, fmt.Sprintf("vcpu %d → %d", was, spec.VCPU))
	}
	if was := d.Link.String(); was != spec.String() && was != "" && spec.String() != "" {
		all = append(all, fmt.Sprintf("network %s → %s", was, spec))
	}
	all = append(all, further...)
	if len(all) == 0 {
		return ""
	}
	return ": " + strings.Join(all, ", ")
}

func definition(have, want engine.Metadata, found Found) (Action, string) {
	further := CompareDisks(have.Disks, want.Disks)
	switch {
	case !found.Defined:
		return Redefine, "its domain is gone, its disk is kept"
	case found.Edited != "" && !found.Redefine:
		return Keep, "defined, and changed by somebody else since; left as it is"
	case found.Edited != "":
		return Redefine, "what somebody else changed is overwritten"
	case found.Domain.Transient:
		return Redefine, "somebody has undefined it while it runs: it is defined again"
	case have.Workspace != want.Workspace && have.Definition != want.Definition:
		return Redefine, fmt.Sprintf("the workspace is %s now, and was %s", want.Workspace, have.Workspace)
	case have.Definition != want.Definition:
		return Redefine, "the domain's definition changed" + differences(found.Domain, found.Spec, append(networkChange(have, want), further.differences()...)...)
	case len(further.Grows) > 0:
		return Redefine, "a further disk grows: " + strings.Join(further.differences(), ", ")
	}
	return Keep, "defined, unchanged"
}
