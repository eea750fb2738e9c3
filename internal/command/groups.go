package command

import (
	"fmt"
	"maps"
	"slices"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/workspace"
)

// part are nodes of a cluster that have all settings in common.
type part struct {
	*settings.Settings
	nodes []workspace.Node
}

// partsOf are the parts of the run's cluster: without groups it is one, of all nodes.
func partsOf(r *Run) (parts []part) {
	groups := map[string]*settings.Settings{"": r.Settings}
	for _, g := range r.Groups {
		groups[g.Name] = r.Of(g)
	}
	for _, node := range r.members() {
		own := groups[node.Group]
		if single, is := r.Single[node.Name]; is {
			own = own.Of(single)
		}
		i := slices.IndexFunc(parts, func(p part) bool { return p.Settings == own })
		if i < 0 {
			i, parts = len(parts), append(parts, part{Settings: own})
		}
		parts[i].nodes = append(parts[i].nodes, node)
	}
	return parts
}

// nodesOf are all nodes of the run's cluster.
func nodesOf(r *Run) []workspace.Node {
	if len(r.Groups) == 0 {
		return r.ws().Nodes(r.Prefix, r.Nodes)
	}
	all := []workspace.Node{}
	for _, g := range r.Groups {
		for n := range g.Nodes {
			all = append(all, workspace.NodeIn(r.ws(), r.Prefix, g.Name, n+1))
		}
	}
	return all
}

// groupsOf are how many nodes there must be in each group; nil if the cluster has none.
func groupsOf(s *settings.Settings) plan.Groups {
	if len(s.Groups) == 0 {
		return nil
	}
	groups := plan.Groups{}
	for _, g := range s.Groups {
		groups[g.Name] = g.Nodes
	}
	return groups
}

// alike puts parts together that are alike: what of a part decides that, key says.
func alike(parts []part, key func(part) string) (together []part) {
	at := map[string]int{}
	for _, p := range parts {
		i, is := at[key(p)]
		if !is {
			i = len(together)
			at[key(p)] = i
			together = append(together, part{Settings: p.Settings})
		}
		together[i].nodes = append(together[i].nodes, p.nodes...)
	}
	return together
}

// byConfig is what decides whether two parts' documents are made of the same.
func byConfig(p part) string {
	key := fmt.Sprintf("%q %q %t %t", p.Config, base.SystemOf(p.Image), p.Ready, p.Updates)
	for _, word := range slices.Sorted(maps.Keys(p.Vars)) {
		key += fmt.Sprintf(" %q=%q", word, p.Vars[word])
	}
	return key
}

// byImage is what decides whether two parts' nodes are made on the same image.
func byImage(p part) string { return fmt.Sprintf("%q %q", p.Image, p.Arch) }
