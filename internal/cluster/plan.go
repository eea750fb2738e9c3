package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"

	"coreos-libvirt/internal/terminal/hint"
)

// Action is what is done for a node, beside booting it where it does not run.
type Action string

// The actions.
const (
	Create   Action = "create"   // overlay and domain
	Recreate Action = "recreate" // the same, after what is there has been removed
	Redefine Action = "redefine" // the domain; the overlay stays
	Keep     Action = "keep"     // nothing
	Remove   Action = "remove"   // overlay and domain, for good
)

// Step is one node's way from what is there to what is wanted.
type Step struct {
	Node    Node
	Want    Metadata
	XML     string // the definition that is wanted, with Want in it
	Action  Action
	Why     string  // said to the user behind the node's name
	Running bool    // now
	Drift   string  // what differs and needs the node made anew; empty if nothing
	Edited  string  // a diff of what somebody else changed in the definition; empty if nothing
	Live    Live    // what of a changed definition the running domain takes
	Runs    Machine // what the running domain has now
	Found   string  // libvirt's definition, where it is as it was made and no record of that is kept

	Outdated  bool // whether the node runs by another definition than the one that there is now
	AsStarted bool // whether it was started with the definition that is wanted
	Restart   bool // whether something of the definition that is wanted takes effect only when it is started next
}

// Starts tells whether the step boots the node.
func (s Step) Starts() bool {
	return (!s.Running || s.Action == Recreate) && s.Action != Remove
}

// Changes tells whether the step does anything at all.
func (s Step) Changes() bool { return s.Action != Keep || s.Starts() }

// Disk is what there is of a node's overlay.
type Disk struct {
	Exists   bool
	Backing  string // path of its base image; empty where that cannot be told
	Pristine bool   // no guest has written to it
}

// Foreign gives one error that names every domain in the way: of a node's name, hardware address or disk,
// but not this cluster's, or of a cluster of this name in another workspace. Two nodes may not have one address
// either: it is three bytes of a hash.
func Foreign(nodes []Node, domains map[string]Domain, workspace, cluster string) error {
	var all []error
	macs, disks := map[string]string{}, map[string]string{}
	for _, n := range nodes {
		if other, ok := macs[n.MAC]; ok {
			all = append(all, hint.Errorf("choose another prefix=, or fewer nodes", "%s and %s would have the same hardware address, %s", other, n.Name, n.MAC))
		}
		macs[n.MAC], disks[n.Overlay()] = n.Name, n.Name
	}
	named := map[string]bool{}
	for _, n := range nodes {
		named[n.Name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(domains)) {
		d := domains[name]
		m := d.Metadata
		if m != nil && m.Workspace == workspace && m.Cluster == cluster {
			continue
		}
		if named[name] || m != nil && m.Cluster == cluster {
			all = append(all, d.foreign(workspace, cluster))
		}
		all = append(all, d.inTheWay(macs, disks))
	}
	return errors.Join(all...)
}

// inTheWay is an error where somebody else's domain has a node's hardware address or disk.
func (d Domain) inTheWay(macs, disks map[string]string) error {
	const advice = "choose another prefix=, or change the domain"
	for _, mac := range d.MACs {
		if node, ok := macs[mac]; ok && node != d.Name {
			return hint.Errorf(advice, "%s: its hardware address %s is that of the domain %s, which is somebody else's", node, mac, d.Name)
		}
	}
	for _, disk := range d.Disks {
		if node, ok := disks[disk]; ok {
			return hint.Errorf(advice, "%s: its disk %s belongs to the domain %s, which is somebody else's", node, disk, d.Name)
		}
	}
	return nil
}

// Found is what there is of a node.
type Found struct {
	Domain   Domain
	Defined  bool // whether there is a domain
	Disk     Disk
	Made     *Metadata // what the disk was made from, where there is no domain that tells; nil where nothing does
	Leaving  bool      // whether a run has begun to remove the node
	Edited   string    // a diff of what somebody else changed in the domain's definition; empty if nothing
	Recreate bool      // whether the user wants it anew if it differs
	Force    bool      // whether the user wants it anew in any case
	Redefine bool      // whether the user wants somebody else's changes overwritten
}

// Orphan tells whether there is a disk with data, and no domain that it belongs to.
func (f Found) Orphan() bool {
	return !f.Defined && f.Disk.Exists && !f.Disk.Pristine && !f.Leaving
}

// have is what the node was made from.
func (f Found) have(want Metadata) Metadata {
	switch {
	case f.Defined:
		have := *f.Domain.Metadata
		have.Firmware = cmp.Or(have.Firmware, f.Domain.Firmware)
		return have
	case f.Made != nil:
		return *f.Made
	}
	return want
}

// Firmware is what the node's disk was made for; empty where that is not known.
func (f Found) Firmware() string { return f.have(Metadata{}).Firmware }

// Plan tells the step for a node that shall be as want, given what there is.
func Plan(node Node, want Metadata, found Found) Step {
	step := Step{Node: node, Want: want, Running: found.Defined && found.Domain.State == Running, Edited: found.Edited}
	if !found.Defined && !found.Orphan() {
		step.Action, step.Why = Create, "new"
		if found.Disk.Exists {
			step.Why = "an overlay without a domain is made anew"
		}
		return step
	}
	have := found.have(want)
	changed := changes(have, want, found.Disk)
	if step.Action, step.Why = found.anew(changed); step.Action != "" {
		return step
	}
	if changed != "" {
		step.Drift = changed
		step.Want.Ignition, step.Want.Base, step.Want.Image, step.Want.Disk = have.Ignition, have.Base, have.Image, have.Disk
	}
	step.Want.Firmware = have.Firmware
	if want.Disk == 0 {
		step.Want.Disk = have.Disk
	}
	step.Action, step.Why = definition(have, want, found)
	if step.Running || found.Defined && found.Domain.State == Paused { // which goes on as it was started
		step.compareRunning(found.Domain)
	}
	return step
}

// compareRunning tells what the definition that the domain was started with means for the step.
func (s *Step) compareRunning(d Domain) {
	s.Outdated, s.AsStarted, s.Runs = d.outdated(), d.Started == s.Want.Definition, d.Runs
	s.Restart = s.Outdated || d.Started != "" && !d.Runs.sameAs(d.Machine)
	if s.Action == Redefine {
		s.Restart = !s.AsStarted
	}
}

// Take notes what the running domain takes of the definition that is wanted.
func (s *Step) Take(live Live) {
	s.Live = live
	s.Restart = live.Short || !s.AsStarted && (live.Rest || live.None() || s.Outdated)
}

// anew tells how the node is made anew, if it is. Somebody else's changes would go with that: they are kept, unless
// the user wants this very node anew, or them overwritten.
func (f Found) anew(changed string) (Action, string) {
	switch {
	case f.Force:
		return Recreate, "as recreate= says"
	case changed == "" || f.Defined && f.Edited != "" && !f.Redefine:
		return "", ""
	case f.Defined && !f.Domain.InUse() && (f.Disk.Pristine || !f.Disk.Exists):
		return Create, changed
	case f.Recreate:
		return Recreate, changed
	}
	return "", ""
}

// changes names what of a node's making differs: these take effect only on a node made anew.
func changes(have, want Metadata, disk Disk) string {
	switch {
	case !disk.Exists:
		return "its overlay is gone"
	case have.Base != want.Base: // for another system documents differ, too
		return fmt.Sprintf("the base image is now %s", want.Base)
	case have.Ignition != want.Ignition:
		return "ignition.json changed"
	case disk.Backing != "" && disk.Backing != want.Base:
		return fmt.Sprintf("its overlay stands on %s", disk.Backing)
	case have.Image != "" && want.Image != "" && have.Image != want.Image:
		return fmt.Sprintf("the file %s changed", want.Base)
	}
	return otherHardware(have, want)
}

// otherHardware names what the node's disk was made for, and the user now wants otherwise.
func otherHardware(have, want Metadata) string {
	switch {
	case have.Disk != 0 && want.Disk != 0 && have.Disk != want.Disk:
		return fmt.Sprintf("disk= changed from %d to %d", have.Disk, want.Disk)
	case have.Firmware != "" && want.Firmware != "" && have.Firmware != want.Firmware:
		return fmt.Sprintf("firmware= changed from %s to %s", have.Firmware, want.Firmware)
	}
	return ""
}

func definition(have, want Metadata, found Found) (Action, string) {
	switch {
	case !found.Defined:
		return Redefine, "its domain is gone, its disk is kept"
	case found.Edited != "" && !found.Redefine:
		return Keep, "defined, and changed by somebody else since; left as it is"
	case found.Edited != "":
		return Redefine, "what somebody else changed is overwritten"
	case have.Definition != want.Definition:
		return Redefine, "the domain's definition changed"
	}
	return Keep, "defined, unchanged"
}

// Members are the domains that carry this workspace's metadata, of the cluster or, with an empty
// cluster, of all its clusters, by name.
func Members(domains map[string]Domain, workspace, cluster string) []Domain {
	var ours []Domain
	for _, d := range domains {
		if m := d.Metadata; m != nil && m.Workspace == workspace && (cluster == "" || m.Cluster == cluster) {
			ours = append(ours, d)
		}
	}
	sort.Slice(ours, func(i, j int) bool { return ours[i].Name < ours[j].Name })
	return ours
}
