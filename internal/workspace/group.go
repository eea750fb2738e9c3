package workspace

import (
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/engine"
)

// A group's name ends in a letter: node 1 of a group web1 would be called as node 101 of a group web.
var groupName = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9-]*)?[A-Za-z]$`)

// Stem is what the names of a group's nodes begin with, before the number: core-worker; of a cluster without groups it is the
// prefix.
func Stem(prefix, group string) string {
	if group == "" {
		return prefix
	}
	return prefix + "-" + group
}

// NameOf is the name of the node that the mark is of.
func NameOf(m *engine.Metadata) string { return NodeName(Stem(m.Cluster, m.Group), m.Number) }

// Parse gives the place in the cluster prefix the node of that name is; ok is false if it can be none of that cluster. Another cluster
// can have a node of that name, too: core-worker01 is one of core-worker, or of the group worker of core.
func Parse(prefix, name string) (group string, number int, ok bool) {
	if n := NumberOf(prefix, name); n > 0 {
		return "", n, true
	}
	rest, is := strings.CutPrefix(name, prefix+"-")
	group = strings.TrimRight(rest, "0123456789")
	number = NumberOf(Stem(prefix, group), name)
	if !is || number == 0 || !groupName.MatchString(group) {
		return "", 0, false
	}
	return group, number, true
}

// OwnersOf are those of the clusters that can have a node of that name.
func OwnersOf(name string, prefixes []string) []string {
	owners := []string{}
	for _, p := range prefixes {
		if _, _, can := Parse(p, name); can && p != "" && !slices.Contains(owners, p) {
			owners = append(owners, p)
		}
	}
	return owners
}

// Names are the nodes' names.
func Names(nodes []Node) []string {
	names := make([]string, len(nodes))
	for i, node := range nodes {
		names[i] = node.Name
	}
	return names
}
