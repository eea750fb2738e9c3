package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"coreos-libvirt/internal/engine"
)

// Further is what becomes of a node's further disks if the node is kept.
type Further struct {
	Adds  []engine.FurtherDisk // that it gets, empty
	Grows []engine.FurtherDisk // that get larger
	Keeps []engine.FurtherDisk // all that it has then

	taken  []string // names of those that are no longer wanted
	shrink string   // which one shall be smaller
	grow   []string // which ones get larger, from which size
}

// CompareDisks compares a node's further disks with those that are wanted, both as engine.DisksText has them. If some are not wanted
// any more, it keeps those that it has, and nothing else: what is on them goes only with the node.
func CompareDisks(have, want string) (f Further) {
	had, wanted := engine.DisksOf(have), engine.DisksOf(want)
	for _, disk := range had {
		i := slices.IndexFunc(wanted, func(w engine.FurtherDisk) bool { return w.Name == disk.Name })
		switch {
		case i < 0:
			f.taken = append(f.taken, disk.Name)
		case wanted[i].GiB < disk.GiB:
			f.shrink = fmt.Sprintf("%s of %d GiB to %d GiB", disk.Name, disk.GiB, wanted[i].GiB)
		case wanted[i].GiB > disk.GiB:
			f.grow = append(f.grow, fmt.Sprintf("disk %s %d → %d GiB", disk.Name, disk.GiB, wanted[i].GiB))
			f.Grows, disk = append(f.Grows, wanted[i]), wanted[i]
		}
		f.Keeps = append(f.Keeps, disk)
	}
	for _, disk := range wanted {
		if !slices.ContainsFunc(had, func(h engine.FurtherDisk) bool { return h.Name == disk.Name }) {
			f.Adds = append(f.Adds, disk)
		}
	}
	if f.stays() {
		return Further{Keeps: had, taken: f.taken, shrink: f.shrink}
	}
	f.Keeps = append(f.Keeps, f.Adds...)
	return f
}

// stays reports whether the disks are left as they are, because those that are wanted would lose data.
func (f Further) stays() bool { return len(f.taken) > 0 || f.shrink != "" }

// fixed says which disks cannot be taken from a node.
func (f Further) fixed() string {
	if len(f.taken) == 0 {
		return ""
	}
	return fmt.Sprintf("disks= does not have %s any more", strings.Join(f.taken, ", "))
}

// changed says which disk cannot be made smaller.
func (f Further) changed() string {
	if f.shrink == "" {
		return ""
	}
	return "disks= wants " + f.shrink
}

// refusal is that a disk would lose what is at its end.
func (f Further) refusal() (none Obstacle) {
	if f.shrink == "" {
		return none
	}
	return Obstacle{What: "disks= would shrink " + f.shrink + ", and a disk only grows", Way: "disks=" + engine.DisksText(f.Keeps) + " leaves them as they are"}
}

// differences are the lines of what changes.
func (f Further) differences() (all []string) {
	for _, disk := range f.Adds {
		all = append(all, fmt.Sprintf("disk %s of %d GiB is added", disk.Name, disk.GiB))
	}
	return append(all, f.grow...)
}

// furtherGo says that a node's further disks go with it, if it has any.
func furtherGo(have engine.Metadata) string {
	names := []string{}
	for _, disk := range engine.DisksOf(have.Disks) {
		names = append(names, disk.Name)
	}
	if len(names) == 0 {
		return ""
	}
	return "; what is on its further disks goes, too: " + strings.Join(names, ", ")
}

// networkChange says how the networks of further cards differ.
func networkChange(have, want engine.Metadata) []string {
	none := engine.LinksText(nil)
	was, is := cmp.Or(have.Networks, none), cmp.Or(want.Networks, none)
	if was == is {
		return nil
	}
	return []string{fmt.Sprintf("networks %s → %s", was, is)}
}
