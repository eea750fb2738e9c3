package plan

import (
	"cmp"
	"fmt"

	"coreos-libvirt/internal/terminal/hint"
)

// Obstacle is what keeps a step from being carried out as it is. The zero value is none.
type Obstacle struct {
	What string // is wrong
	Way  string // out of it, beside that the node is recreated

	Unknown bool // it is not known what there is of the node: nobody may make it
}

// None reports whether there is none.
func (o Obstacle) None() bool { return o.What == "" }

// ownDisk is the path of the node's first disk, as its engine sees it if that is known.
func (f Found) ownDisk() string { return cmp.Or(f.Spec.Overlay, f.Node.Overlay()) }

// elsewhere is that the domain has another disk than the node's: one definition more, and the node would go on from before.
func (f Found) elsewhere() (none Obstacle) {
	name, disk := f.Node.Name, f.Disk
	if disk.Instead == "" {
		return none
	}
	what := fmt.Sprintf("its domain has the disk %s, not %s", disk.Instead, f.ownDisk())
	if !disk.OnTop {
		return Obstacle{What: what, Way: "virsh edit " + name + " gives it its own disk back"}
	}
	way := fmt.Sprintf("virsh blockcommit %s %q --base %q --active --pivot --verbose brings what the node has written back to its own disk", name, disk.Instead, f.ownDisk())
	if !f.Domain.InUse() {
		way = "virsh start " + name + ", and then " + way
	}
	return Obstacle{What: what + ", on which that stands: a snapshot", Way: way}
}

// bereft is that the node's first disk is gone, and further ones have data, which a new node would not have.
func (f Found) bereft() (none Obstacle) {
	if f.Disk.Exists || len(f.Disk.Data) == 0 || f.Disk.Instead != "" {
		return none
	}
	return Obstacle{What: fmt.Sprintf("its disk is gone, and its further disk %s has data", f.Disk.Data[0]), Way: "put the file back: " + f.ownDisk()}
}

// refusal is why the step is not carried out.
func (f Found) refusal(s Step) (none Obstacle) {
	if s.Starts() && !s.Makes() && !f.Unbootable.None() {
		return f.Unbootable
	}
	if o := f.bereft(); s.Starts() && !o.None() {
		return o
	}
	if s.Action == Redefine {
		return f.elsewhere()
	}
	return none
}

// checkKnown refuses to make a new cluster of nodes of which some are not known: they may be members of the old one, and run.
func (m *making) checkKnown() error {
	for _, step := range m.Steps {
		if m.Way == NewGeneration && step.Refused.Unknown {
			return hint.Errorf("when its host answers again, the same command does it", "all nodes would be recreated, and %s is not known: %s", step.Node.Name, step.Refused.What)
		}
	}
	return nil
}
