// Package plan works out, for each node, the step from what there is to what is wanted. It is pure: it reads no file, and
// asks no engine.
package plan

import (
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
)

// Action is what is done for a node, beside booting it if it does not run.
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
	Node    workspace.Node
	Want    engine.Metadata
	XML     string // the definition that is wanted, with Want in it
	Action  Action
	Why     string // said to the user behind the node's name
	Running bool   // now
	Drift   string // what differs and needs the node recreated; empty if nothing
	Edited  string // a diff of what somebody else changed in the definition; empty if nothing
	Found   string // libvirt's definition, where it is as it was made and no record of that is kept

	Unasked bool     // whether it is recreated without being asked: its first boot never succeeded
	Surplus bool     // whether it is a node above nodes= that stays: whatever it is, it is not started
	Refused Obstacle // why nothing is done to the node
	Snapped Obstacle // that its domain has another disk than the node's

	Past
	Effect
}

// Past is how what a node was made from differs from what it would be made from now.
type Past struct {
	OldConfig     bool // whether its document is another one than it was made from
	OldBase       bool // whether it was made on another base image
	NeedsRecreate bool // whether it was made for what cannot change in a node, and is left as it is
}

// Effect is what a definition means for a domain that runs.
type Effect struct {
	Live engine.Live    // what of a changed definition the running domain takes
	Runs engine.Machine // what the running domain has now

	Adds  []engine.FurtherDisk // disks that it gets, empty
	Grows []engine.FurtherDisk // disks that get larger

	Outdated  bool // whether the node runs by another definition than the one that there is now
	AsStarted bool // whether it was started with the definition that is wanted
	Restart   bool // whether something of the definition that is wanted takes effect only when it is started next
	Says      bool // whether the domain's mark gets what the cluster is made with by now; nothing else of it changes
}

// Starts reports whether the step boots the node.
func (s Step) Starts() bool {
	return (!s.Running || s.Action == Recreate) && s.Action != Remove && !s.Surplus && !s.Refused.Unknown
}

// Makes reports whether the step makes an overlay.
func (s Step) Makes() bool { return s.Action == Create || s.Action == Recreate }

// Old reports whether the node is left as it was made, though it would be made otherwise now.
func (s Step) Old() bool {
	return !s.Makes() && (s.OldConfig || s.OldBase || s.NeedsRecreate) && s.Action != Remove
}

// Changes reports whether the step does anything at all.
func (s Step) Changes() bool { return s.Action != Keep || s.Starts() }
