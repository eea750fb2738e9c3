package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"coreos-libvirt/internal/settings/clusterfile"
	"coreos-libvirt/internal/settings/hosts"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// Group is nodes of a cluster that differ from others, or one such node: what stands in the cluster file. Its values were
// checked; those that a word or a variable gives for all nodes count more (Of).
type Group = clusterfile.Group

// declared is what the cluster's file says, if it is there.
func declared(prefix string, env Environment) (clusterfile.File, error) {
	at := clusterfile.Path(prefix)
	if env.File == nil {
		return clusterfile.File{Path: at}, nil
	}
	text, err := env.File(at)
	if errors.Is(err, fs.ErrNotExist) {
		other := clusterfile.Misnamed(prefix)
		if _, err := env.File(other); err == nil {
			return clusterfile.File{}, hint.Errorf("mv "+other+" "+at, "%s is not read: a cluster file ends in .yml", other)
		}
		return clusterfile.File{Path: at}, nil
	}
	if err != nil {
		return clusterfile.File{}, fmt.Errorf("cannot read the cluster file: %w", err)
	}
	return clusterfile.Parse(at, text, FileTable(env))
}

// FileTable is what may stand in a cluster file.
func FileTable(env Environment) clusterfile.Table {
	t := clusterfile.Table{Refused: map[string]string{"prefix": "a cluster's prefix is the name of its file: " + clusterfile.Path("<prefix>")}, Var: wrongName}
	for _, k := range Keys(env) {
		if k.of == ofOneRun {
			if k.Name != "prefix" {
				t.Refused[k.Name] = "it says what one run does: give it on the command line"
			}
			continue
		}
		t.Keys = append(t.Keys, clusterfile.Key{
			Name: k.Name, Meaning: k.Meaning, Default: k.defaultAnywhere(), OfNode: k.of == ofNode || k.of == ofPlace, Shape: k.Shape,
			Check: func(text string) error { return k.Set(&Settings{}, text) },
		})
	}
	return t
}

// defaultAnywhere is the key's default; empty if that is another one for another user or on another machine.
func (k Key) defaultAnywhere() string {
	if slices.Contains(always, k.Name) {
		return ""
	}
	return k.Default
}

// IsProtected is what the cluster's file says of protect=: "true", "false", or empty if it says nothing. A file that cannot be read may
// say that.
func IsProtected(prefix string, env Environment) string {
	file, err := declared(prefix, env)
	if err != nil {
		return "true"
	}
	s := &Settings{}
	_ = protect(s, file.Values["protect"]) // it was checked when the file was read
	return s.Protect
}

// checkSingle makes sure that the single nodes of the file are nodes of the cluster.
func (s *Settings) checkSingle(f clusterfile.File) error {
	for _, name := range slices.Sorted(maps.Keys(f.Single)) {
		if !s.hasNode(name) {
			return f.Wrong(f.Single[name].Place, fmt.Sprintf("%s is not a node of this cluster", name), s.nodeNames())
		}
	}
	return nil
}

// checkHosts makes sure that what is said of nodes' hosts names hosts of this cluster.
func (s *Settings) checkHosts(f clusterfile.File) error {
	all := slices.Concat(f.Groups, slices.Collect(maps.Values(f.Single)))
	slices.SortFunc(all, func(a, b Group) int { return a.Place.Line - b.Place.Line })
	for _, g := range append(all, Group{Values: f.Values, Place: clusterfile.Place{Line: 1, Column: 1}}) {
		if err := hosts.CheckPin(s.Hosts, g.Values["host"]); err != nil && g.Values["host"] != "" {
			return f.Wrong(g.Place, hint.FirstLine(err), hint.Of(err, ""))
		}
	}
	return nil
}

// hasNode reports whether the cluster has a node of that name.
func (s *Settings) hasNode(name string) bool {
	for _, g := range s.groups() {
		if n := workspace.NumberOf(g.Name, name); n >= 1 && n <= g.Nodes && workspace.NodeName(g.Name, n) == name {
			return true
		}
	}
	return false
}

// nodeNames says how the cluster's nodes are called.
func (s *Settings) nodeNames() string {
	return "nodes are " + strings.ReplaceAll(strings.TrimPrefix(s.names(), "from "), ", from ", ", ")
}

// names are the nodes' names: from core01 to core03.
func (s *Settings) names() string {
	all := []string{}
	for _, g := range s.groups() {
		if g.Nodes > 0 {
			all = append(all, "from "+workspace.NodeName(g.Name, 1)+" to "+workspace.NodeName(g.Name, g.Nodes))
		}
	}
	return strings.Join(all, ", ")
}

// groups are the cluster's groups, each by what its nodes' names begin with; without groups that is the prefix.
func (s *Settings) groups() []Group {
	if len(s.Groups) == 0 {
		return []Group{{Name: s.Prefix, Nodes: s.Nodes}}
	}
	all := []Group{}
	for _, g := range s.Groups {
		all = append(all, Group{Name: workspace.Stem(s.Prefix, g.Name), Nodes: g.Nodes})
	}
	return all
}

// Of are the settings of a group's nodes, or those of a single node: these, with the group's values in place of those that
// neither the command line nor the environment gives. What only says something together with others is as the group has all of
// them: sha256= of the cluster's image is not that of the group's.
func (s *Settings) Of(g Group) *Settings {
	own := *s
	own.Vars = maps.Clone(s.Vars)
	for _, k := range nobodys() {
		value, has := g.Values[k.Name]
		switch with := goesWith(k.Name); {
		case s.said[k.Name] || slices.ContainsFunc(with, s.Said):
		case has:
			_ = k.Set(&own, value) // it was checked when the file was read
		case slices.ContainsFunc(with, func(other string) bool { return g.Values[other] != "" }):
			_ = k.Set(&own, k.Default)
		}
	}
	for name, value := range g.Vars {
		if !s.said[varPrefix+name] {
			own.Vars[name] = value
		}
	}
	return &own
}

// Declarable are the names of what may stand in a cluster file.
func Declarable() (names []string) {
	for _, k := range nobodys() {
		if k.of != ofOneRun {
			names = append(names, k.Name)
		}
	}
	return names
}

// goesWithoutSaying reports whether a setting that each run gives is as it is by itself.
func (c choice) goesWithoutSaying() bool {
	return slices.Contains(always, c.key.Name) && (c.value == c.key.Default || c.exported())
}

// FileText is a cluster file that says what somebody gave of these settings: by words, in the environment, or when the cluster was
// made. What says how runs go about it is in it if a word gave it.
func (s *Settings) FileText(env Environment) ([]byte, error) {
	values, plain, hidden := map[string]string{}, map[string]string{}, []string{}
	for _, c := range s.chosen {
		described := c.key.of == ofNode || c.key.of == ofCluster || c.key.of == ofSecret
		switch {
		case !s.isGiven(c) || c.key.of == ofOneRun || c.goesWithoutSaying():
		case c.isSecret():
			hidden = append(hidden, c.key.Name)
		case described || c.from == fromWord:
			values[c.key.Name] = c.value
		}
	}
	for name, value := range s.Vars {
		if IsSecret(name, value) {
			hidden = append(hidden, varPrefix+name)
		} else {
			plain[name] = value
		}
	}
	hidden = append(hidden, s.Forgotten...)
	slices.Sort(hidden)
	return clusterfile.Write(FileTable(env), values, plain, slices.Compact(hidden))
}
