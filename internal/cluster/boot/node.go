// Package boot starts nodes, and watches them until they are ready or have failed. A node is watched in two ways: by what it
// reports on its channel, and by what shows that its boot failed, which ends the wait at once: the console log, the channel of
// Ignition's journal, and libvirt's events.
package boot

import (
	"slices"
	"time"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/guest"
)

// Node is what became of one node.
type Node struct {
	Step   plan.Step
	Report guest.Report
	Err    error
	Took   time.Duration
}

// Address is where the node said that it is; empty if it has not said it.
func (n Node) Address() string { return n.Report.Address(n.Step.Node.MAC) }

// Reachable are the nodes that said where they are.
func Reachable(nodes []Node) []Node {
	return slices.DeleteFunc(slices.Clone(nodes), func(n Node) bool { return n.Address() == "" })
}

// Reports are the reports of the nodes that gave one, by name.
func Reports(nodes []Node) map[string]guest.Report {
	reports := map[string]guest.Report{}
	for _, n := range nodes {
		if n.Err == nil && n.Report.BootID != "" {
			reports[n.Step.Node.Name] = n.Report
		}
	}
	return reports
}
