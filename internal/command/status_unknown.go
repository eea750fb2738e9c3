package command

import (
	"maps"
	"os"
	"slices"
	"strings"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// unknownState is the state of a node that may be on a host that does not answer.
const unknownState = "UNKNOWN"

// addUnknown adds the nodes of which it is not known how they are, and what each host says that does not answer.
func addUnknown(r *Run, seen *seenStatus, domains map[string]engine.Domain) {
	several := engine.HostsOf(r.conn)
	if several == nil || len(several.Silent()) == 0 {
		return
	}
	silent := several.Silent()
	for _, host := range slices.Sorted(maps.Keys(silent)) {
		seen.warnings = append(seen.warnings, hint.FirstLine(silent[host]))
	}
	nodes := expected(r, domains)
	for name, o := range unknownNodes(r, nodes, domains) {
		node := nodes[slices.IndexFunc(nodes, func(n workspace.Node) bool { return n.Name == name })]
		s := nodeStatus{Node: name, Cluster: node.Cluster(), State: unknownState, MAC: node.MAC}
		s.Unknown, s.Host, s.Image = o.What, hostOf(r, name, nil), "-"
		seen.nodes = append(seen.nodes, s)
	}
	slices.SortStableFunc(seen.nodes, func(a, b nodeStatus) int { return strings.Compare(a.Node, b.Node) })
}

// expected are the nodes that the run is about: those of the cluster, if there is one, and those that have a folder.
func expected(r *Run, domains map[string]engine.Domain) (nodes []workspace.Node) {
	prefix, prefixes := chosen(r).prefix, r.ws().Prefixes(r.Prefix, domains)
	entries, _ := os.ReadDir(r.ws().VM())
	for _, entry := range entries {
		if node, is := r.at().Folder(entry, prefix, prefixes); is {
			nodes = append(nodes, node)
		}
	}
	there := func(n workspace.Node) bool { return n.Cluster() == r.Prefix }
	if slices.ContainsFunc(nodes, there) || len(r.ws().Members(domains, r.Prefix)) > 0 {
		for _, node := range r.members() {
			if !slices.ContainsFunc(nodes, func(n workspace.Node) bool { return n.Name == node.Name }) {
				nodes = append(nodes, node)
			}
		}
	}
	return nodes
}
