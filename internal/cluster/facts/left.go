package facts

import (
	"os"
	"slices"
	"strings"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
)

// Left says, a line a node, how an interrupted run has left the nodes, and those that are there of the clusters of the
// prefixes. A domain that is not this workspace's does not count.
func (p Place) Left(nodes []workspace.Node, prefixes []string, domains map[string]engine.Domain) (lines []string) {
	all := slices.Clone(nodes)
	for _, prefix := range prefixes {
		for _, d := range p.Members(domains, prefix) {
			all = append(all, p.NodeOf(d.Metadata))
		}
	}
	slices.SortFunc(all, func(a, b workspace.Node) int { return strings.Compare(a.Name, b.Name) })
	for _, node := range slices.CompactFunc(all, func(a, b workspace.Node) bool { return a.Name == b.Name }) {
		d := domains[node.Name]
		if p.IsForeign(d) {
			d = engine.Domain{}
		}
		lines = append(lines, node.Name+": "+left(node, d.State))
	}
	return lines
}

// left says how an interrupted run has left the node. state is its domain's, empty if there is no domain.
func left(node workspace.Node, state engine.State) string {
	_, unready := os.Stat(node.Report())
	_, files := os.Stat(node.Dir)
	switch {
	case state == engine.Running && unready == nil:
		return "left running, it was ready"
	case state == engine.Running:
		return "left running, it has not said that it is ready"
	case state != "":
		return "left defined, " + string(state)
	case files == nil:
		return "no domain, its files are left"
	}
	return "nothing is left of it"
}
