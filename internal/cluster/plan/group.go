package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// Groups are how many nodes there must be in each group of a cluster, by its name.
type Groups map[string]int

// surplus are the nodes of the cluster that are there and not wanted, the last first. Those of a group go: who declares groups
// says how many nodes there must be in them.
func surplus(want []Blueprint, have map[string]Found, o Options) []Step {
	wanted := map[string]bool{}
	for _, b := range want {
		wanted[b.Doc.Name] = true
	}
	steps := []Step{}
	for name, found := range have {
		if !found.Defined || wanted[name] {
			continue
		}
		step := Step{Node: found.Node, Want: *found.Domain.Metadata, Action: Remove, Running: found.Domain.State == engine.Running, Why: o.tooMany(found.Node)}
		if o.Groups == nil && !o.FewerGoes {
			step.Action, step.Surplus, step.Why = Keep, true, fmt.Sprintf("left as it is, nodes=%d would remove it", o.Nodes)
		}
		steps = append(steps, step)
	}
	slices.SortFunc(steps, func(a, b Step) int {
		return cmp.Or(cmp.Compare(a.Node.Group, b.Node.Group), b.Node.Number-a.Node.Number)
	})
	return steps
}

// tooMany is why the node is not wanted.
func (o Options) tooMany(node workspace.Node) string {
	count, is := o.Groups[node.Group]
	switch {
	case o.Groups == nil:
		return fmt.Sprintf("nodes=%d", o.Nodes)
	case is:
		return fmt.Sprintf("the group %s has nodes: %d", node.Group, count)
	case node.Group == "":
		return "it is in none of the groups " + o.Groups.names()
	}
	return fmt.Sprintf("there is no group %s any more", node.Group)
}

func (g Groups) names() string { return strings.Join(slices.Sorted(maps.Keys(g)), ", ") }

// checkGroups refuses to make nodes without groups beside nodes of groups: who does not say of the groups does not mean that
// their nodes shall go.
func (o Options) checkGroups(have map[string]Found) error {
	left := Groups{}
	for _, found := range have {
		if o.Groups == nil && found.Defined && found.Node.Group != "" {
			left[found.Node.Group]++
		}
	}
	if len(left) == 0 {
		return nil
	}
	prefix := ""
	for _, found := range have {
		prefix = found.Node.Prefix
	}
	return hint.Errorf(fmt.Sprintf("clusters/%s.yml declares them; `%s` removes the cluster", prefix, o.command("down", "prefix="+prefix)),
		"the cluster %s has nodes in groups (%s), and no groups are declared for it", prefix, left.names())
}

// oneMore is how the cluster gets one more node.
func (o Options) oneMore() string {
	if o.Groups == nil {
		return "`" + o.up("nodes=2") + "` adds a member first"
	}
	return "one more in nodes: of its group adds a member first"
}

// isMember reports whether the step is of a node that is a member of etcd, or shall be one.
func (m *making) isMember(s Step) bool { return s.Want.IsMember() || m.wasMember(s) }

// wasMember reports whether the step is of a node that is a member of etcd, if its etcd has formed.
func (m *making) wasMember(s Step) bool {
	found := m.have[s.Node.Name]
	return found.Defined && found.Domain.Metadata.IsMember()
}

// settleWorkers has nodes recreated at once, if none of them is a member of etcd, and the user says so or they have no data.
func (m *making) settleWorkers() {
	recreated := Taking(m.Steps, Recreate)
	if m.Way == InTurn && len(recreated) > 0 && len(m.ofMembers(recreated)) == 0 && (m.o.Parallel || onlyUnasked(m.Steps)) {
		m.Way = Together
	}
}

// ofMembers are those of the steps that are of members.
func (m *making) ofMembers(steps []Step) []Step {
	return slices.DeleteFunc(slices.Clone(steps), func(s Step) bool { return !m.isMember(s) })
}
