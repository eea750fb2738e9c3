package cluster

import (
	"errors"
	"fmt"
	"sort"

	"coreos-libvirt/internal/hint"
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
	Why     string   // said to the user behind the node's name
	Running bool     // now
	Drift   string   // what differs and needs the node made anew; empty if nothing
	Edited  string   // a diff of what somebody else changed in the definition; empty if nothing
	Live    []string // devices, as XML, by which a running domain becomes what is wanted; empty if it cannot
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
	Backing  string // path of its base image
	Pristine bool   // no guest has written to it
}

// Foreign gives one error that names every domain in the way: of a node's name, hardware address or disk,
// but not this cluster's. Two nodes may not have one address either: it is three bytes of a hash.
func Foreign(nodes []Node, domains map[string]Domain, workspace, cluster string) error {
	var all []error
	macs, disks := map[string]string{}, map[string]string{}
	for _, n := range nodes {
		if d, ok := domains[n.Name]; ok {
			all = append(all, d.foreign(workspace, cluster))
		}
		if other, ok := macs[n.MAC]; ok {
			all = append(all, hint.Errorf("choose another prefix=, or fewer nodes", "%s and %s would have the same hardware address, %s", other, n.Name, n.MAC))
		}
		macs[n.MAC], disks[n.Overlay()] = n.Name, n.Name
	}
	for _, d := range domains {
		if m := d.Metadata; m == nil || m.Workspace != workspace || m.Cluster != cluster {
			all = append(all, d.inTheWay(macs, disks))
		}
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
	Edited   string // a diff of what somebody else changed in the domain's definition; empty if nothing
	Recreate bool   // whether the user wants it anew if it differs
	Force    bool   // whether the user wants it anew in any case
	Redefine bool   // whether the user wants somebody else's changes overwritten
}

// Plan tells the step for a node that shall be as want, given what there is.
func Plan(node Node, want Metadata, found Found) Step {
	step := Step{Node: node, Want: want, Running: found.Defined && found.Domain.State == Running, Edited: found.Edited}
	if !found.Defined {
		step.Action, step.Why = Create, "new"
		if found.Disk.Exists {
			step.Why = "an overlay without a domain is made anew"
		}
		return step
	}
	have := *found.Domain.Metadata
	changed := changes(have, want, found.Disk)
	switch {
	case found.Force:
		step.Action, step.Why = Recreate, "as recreate= says"
	case changed == "":
		step.Action, step.Why = definition(have, want, found)
	case !step.Running && (found.Disk.Pristine || !found.Disk.Exists):
		step.Action, step.Why = Create, changed
	case found.Recreate:
		step.Action, step.Why = Recreate, changed
	default:
		step.Drift, step.Want.Ignition, step.Want.Base = changed, have.Ignition, have.Base
		step.Action, step.Why = definition(have, want, found)
	}
	return step
}

// changes names what of a node's making differs: these take effect only on a node made anew.
func changes(have, want Metadata, disk Disk) string {
	switch {
	case !disk.Exists:
		return "its overlay is gone"
	case have.Ignition != want.Ignition:
		return "ignition.json changed"
	case have.Base != want.Base:
		return fmt.Sprintf("the base image is now %s", want.Base)
	case disk.Backing != want.Base:
		return fmt.Sprintf("its overlay stands on %s", disk.Backing)
	}
	return ""
}

func definition(have, want Metadata, found Found) (Action, string) {
	switch {
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
