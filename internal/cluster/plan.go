package cluster

import (
	"errors"
	"fmt"
	"sort"
)

// Action is what Define does for a node.
type Action string

// The actions.
const (
	Create   Action = "create"   // overlay and domain
	Redefine Action = "redefine" // the domain; the overlay stays
	Keep     Action = "keep"     // nothing
)

// Step is one node's way from what is there to what is wanted.
type Step struct {
	Node    Node
	Want    Metadata
	Action  Action
	Why     string // said to the user behind the node's name
	Running bool
	Drift   string // what differs and needs the node made anew; empty if nothing
}

// Disk is what there is of a node's overlay.
type Disk struct {
	Exists   bool
	Backing  string // path of its base image
	Pristine bool   // no guest has written to it
}

// Foreign gives one error that names every domain in the way: of a node's name, but not this cluster's.
func Foreign(nodes []Node, domains map[string]Domain, workspace, cluster string) error {
	var all []error
	for _, n := range nodes {
		if d, ok := domains[n.Name]; ok {
			all = append(all, d.foreign(workspace, cluster))
		}
	}
	return errors.Join(all...)
}

// Plan tells the step for a node that shall be as want, given libvirt's domain (ok: there is one)
// and the overlay.
func Plan(node Node, want Metadata, domain Domain, ok bool, disk Disk) Step {
	step := Step{Node: node, Want: want, Running: ok && domain.State == Running}
	if !ok {
		step.Action, step.Why = Create, "new"
		if disk.Exists {
			step.Why = "an overlay without a domain is made anew"
		}
		return step
	}
	have := *domain.Metadata
	changed := changes(have, want, disk)
	switch {
	case changed != "" && !step.Running && (disk.Pristine || !disk.Exists):
		step.Action, step.Why = Create, changed
	case changed != "":
		step.Drift, step.Want.Ignition, step.Want.Base = changed, have.Ignition, have.Base
		fallthrough
	default:
		step.Action, step.Why = definition(have, want)
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

func definition(have, want Metadata) (Action, string) {
	if have.Definition != want.Definition {
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
