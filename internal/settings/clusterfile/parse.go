package clusterfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"coreos-libvirt/internal/config/problem"
	"coreos-libvirt/internal/terminal/hint"
)

// Most is how many bytes a cluster file may have.
const Most = 1 << 20

// MostNodes is how many nodes a group may have.
const MostNodes = 1000

// reader reads one file, and notes what is wrong with it.
type reader struct {
	path     string
	table    Table
	problems []problem.Problem
}

// Parse reads the source of the file at path. The error says all that is wrong, each with its place, the line, and what helps.
func Parse(path string, source []byte, table Table) (File, error) {
	f := File{Path: path, There: true, Values: map[string]string{}, Vars: map[string]string{}, Single: map[string]Group{}, source: source}
	if len(source) > Most {
		return f, hint.Errorf("a cluster file has some lines", "%s has more than %d bytes", path, Most)
	}
	doc, problems := document(source)
	r := &reader{path: path, table: table, problems: problems}
	if doc != nil && len(problems) == 0 {
		r.file(doc, &f)
	}
	return f, problem.Explain(path, source, r.problems, "a cluster file has settings, `name: value`, and `groups:`, `nodes:`, `var:`")
}

// Wrong is the error that says what is wrong at a place of the file.
func (f File) Wrong(at Place, text, advice string) error {
	return problem.Explain(f.Path, f.source, []problem.Problem{{Line: at.Line, Column: at.Column, Kind: "error", Text: text, Hint: advice}}, "")
}

// document is the one document of the source, or nil if nothing stands there.
func document(source []byte) (*yaml.Node, []problem.Problem) {
	decoder := yaml.NewDecoder(bytes.NewReader(source))
	var doc, second yaml.Node
	err := decoder.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, problem.Of(err, source, nil)
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		line := max(1, second.Line)
		if err != nil {
			return nil, problem.Of(err, source, nil)
		}
		return nil, []problem.Problem{{Line: line, Column: 1, Kind: "error", Text: "a second document", Hint: "a cluster file is one mapping: leave out the `---`"}}
	}
	top := resolved(doc.Content[0])
	if top.ShortTag() == "!!null" {
		return nil, nil
	}
	return top, nil
}

// resolved is the node that an alias stands for.
func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// wrong takes down a problem at the node.
func (r *reader) wrong(n *yaml.Node, advice, format string, args ...any) {
	r.problems = append(r.problems, problem.Problem{Line: n.Line, Column: n.Column, Kind: "error", Text: fmt.Sprintf(format, args...), Hint: advice})
}

// pairs calls each for the keys and values of a mapping, each key once. what is the mapping, in words.
func (r *reader) pairs(n *yaml.Node, what, advice string, each func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		r.wrong(n, advice, "%s is a mapping, not %s", what, tagOf(n))
		return
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], resolved(n.Content[i+1])
		switch line, twice := lines[key.Value]; {
		case key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge":
			r.wrong(key, "write out the keys that it stands for", "%s is not a name", strings.TrimSpace(key.Value+" "+tagOf(key)))
			continue
		case twice:
			r.wrong(key, "a mapping has each key once: put what is below both under one", "%s is there already, in line %d", key.Value, line)
			continue
		}
		lines[key.Value] = key.Line
		each(key, value)
	}
}

func tagOf(n *yaml.Node) string {
	if said, known := tags[n.ShortTag()]; known {
		return said
	}
	return "nothing"
}

// file reads the whole file.
func (r *reader) file(top *yaml.Node, f *File) {
	r.pairs(top, "a cluster file", "write `name: value` in the first column", func(key, value *yaml.Node) {
		switch {
		case key.Value == "groups":
			r.pairs(value, "groups", "write the name of a group below it: `worker:`", func(key, value *yaml.Node) { r.group(key, value, f) })
		case key.Value == "nodes" && value.Kind == yaml.MappingNode:
			r.nodes(value, f)
		case key.Value == "var":
			r.vars(value, f.Vars)
		default:
			r.setting(key, value, r.table.Keys, "the cluster file", f.Values)
		}
	})
	if _, both := f.Values["uri"]; both && f.Values["hosts"] != "" {
		at := find(top, "uri")
		r.wrong(at, "leave one of them out: with hosts: uri: says nothing", "uri: is not for a cluster with hosts")
	}
	if n := f.Values["nodes"]; n != "" && len(f.Groups) > 0 {
		at := find(top, "nodes")
		r.wrong(at, "say how many nodes each group has", "nodes: is not for a cluster with groups")
	}
}

// find is a key of a mapping; if it is not there, the mapping.
func find(n *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i]
		}
	}
	return n
}

// setting reads a setting of the cluster, or of nodes of it, by the keys that may stand there.
func (r *reader) setting(key, value *yaml.Node, keys []Key, where string, into map[string]string) {
	i := slices.IndexFunc(keys, func(k Key) bool { return k.Name == key.Value })
	if i < 0 {
		r.unknown(key, keys, where)
		return
	}
	text, ok := r.text(key.Value, value, keys[i].Shape)
	if !ok {
		return
	}
	if err := keys[i].Check(text); err != nil {
		r.wrong(value, hint.Of(err, "`mage settings` lists what each key takes"), "%s is %s: %s", key.Value, shown(text), hint.FirstLine(err))
		return
	}
	into[key.Value] = text
}

// shown is the value as it stands in a message.
func shown(text string) string {
	if text == "" {
		return `""`
	}
	return text
}

// unknown is the problem of a key that may not stand where it stands.
func (r *reader) unknown(key *yaml.Node, keys []Key, where string) {
	if advice, refused := r.table.Refused[key.Value]; refused {
		r.wrong(key, advice, "%s does not stand in a cluster file", key.Value)
		return
	}
	if name, is := strings.CutPrefix(key.Value, "var."); is {
		r.wrong(key, fmt.Sprintf("write `var:`, and `%s: …` below it, indented", name), "there is no key %s in %s", key.Value, where)
		return
	}
	has := []string{"var"}
	for _, k := range keys {
		has = append(has, k.Name)
	}
	switch {
	case where == theFile:
		has = append(has, "groups")
	case strings.HasPrefix(where, "the group "):
		has = append(has, "nodes")
	}
	if slices.ContainsFunc(r.table.Keys, func(k Key) bool { return k.Name == key.Value }) {
		r.wrong(key, fmt.Sprintf("%s is of the whole cluster: write it in the first column", key.Value), "there is no key %s in %s", key.Value, where)
		return
	}
	advice := "its keys are " + strings.Join(slices.Sorted(slices.Values(has)), ", ")
	if near := hint.Nearest(key.Value, has); near != "" {
		advice = "did you mean " + near + " ?"
	}
	r.wrong(key, advice, "there is no key %s in %s", key.Value, where)
}

// theFile is the file, in messages about its keys.
const theFile = "the cluster file"

// text is the text of a value, as a word has it.
func (r *reader) text(name string, n *yaml.Node, shape Shape) (string, bool) {
	if n.ShortTag() == "!!null" {
		r.wrong(n, "write one behind it, or leave the key out", "%s has no value", name)
		return "", false
	}
	if shape.Type == List && n.Kind != yaml.ScalarNode {
		return r.list(name, n, shape)
	}
	if shape.Type == List && n.ShortTag() == "!!int" {
		return n.Value, true
	}
	if n.Kind == yaml.ScalarNode {
		is, wanted, advice := shape.fits(n)
		if !is {
			r.wrong(n, advice, "%s is %s, not %s", name, wanted, given(n))
		}
		return n.Value, is
	}
	_, wanted, _ := shape.fits(&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"})
	r.wrong(n, "write it behind the key, in the same line", "%s is %s, not %s", name, wanted, tagOf(n))
	return "", false
}

// given is what stands there, for a message.
func given(n *yaml.Node) string {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		return "text in quotes"
	}
	if strings.Contains(n.Value, "\n") {
		return tagOf(n)
	}
	return n.Value
}

// list is a list of entries as the text with commas that a word has.
func (r *reader) list(name string, n *yaml.Node, shape Shape) (string, bool) {
	if n.Kind != yaml.SequenceNode {
		r.wrong(n, "write each entry in a line of its own, behind `- `", "%s is a list, not %s", name, tagOf(n))
		return "", false
	}
	entries, all := []string{}, true
	for _, entry := range n.Content {
		text, ok := r.entry("an entry of "+name, resolved(entry), *shape.Entry)
		entries, all = append(entries, text), all && ok
	}
	return strings.Join(entries, ","), all
}

// entry is an entry of a list as a word has it.
func (r *reader) entry(name string, n *yaml.Node, e Entry) (string, bool) {
	if n.Kind != yaml.MappingNode {
		return r.text(name, n, e.Item)
	}
	values, before := map[string]string{}, len(r.problems)
	keys := []Key{}
	for _, key := range slices.Sorted(maps.Keys(e.Keys)) {
		keys = append(keys, Key{Name: key, Shape: e.Keys[key], Check: func(string) error { return nil }})
	}
	r.pairs(n, name, "", func(key, value *yaml.Node) { r.setting(key, value, keys, name, values) })
	for _, needed := range e.Need {
		if _, is := values[needed]; !is && len(r.problems) == before {
			r.wrong(n, fmt.Sprintf("write `%s: …` in it", needed), "%s has no %s", name, needed)
		}
	}
	return e.Text(values), len(r.problems) == before
}

// group reads a group.
func (r *reader) group(key, value *yaml.Node, f *File) {
	g, had := Group{Name: key.Value, Nodes: -1, Place: Place{key.Line, key.Column}}, len(r.problems)
	if advice := groupName(g.Name); advice != "" {
		r.wrong(key, advice, "%s cannot be the name of a group", shown(g.Name))
	}
	r.members(&g, value, fmt.Sprintf("the group %s", g.Name), func(n *yaml.Node) { g.Nodes = r.count(n) })
	if g.Nodes < 0 && len(r.problems) == had {
		r.wrong(key, "write `nodes: 3` below it", "the group %s does not say how many nodes it has", g.Name)
	}
	f.Groups = append(f.Groups, g)
}

// groupName is what a name needs that cannot be a group's. A digit at the end would make two nodes of one name.
func groupName(name string) string {
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" || name == "" || name[0] == '-' || strings.ContainsRune("-0123456789", rune(name[len(name)-1])) {
		return "letters, digits and - are allowed, the first not a -, the last a letter: its nodes are <prefix>-<name>01 and so on"
	}
	return ""
}

// count is how many nodes a group has.
func (r *reader) count(n *yaml.Node) int {
	text, ok := r.text("nodes", n, Shape{Type: Number})
	if !ok {
		return 0
	}
	count, err := strconv.Atoi(text)
	if err != nil || count < 0 || count > MostNodes {
		r.wrong(n, "", "nodes is %s: a whole number from 0 to %d is allowed", text, MostNodes)
	}
	return count
}

// nodes reads what is said of single nodes, and how many there are if there are no groups.
func (r *reader) nodes(n *yaml.Node, f *File) {
	r.pairs(n, "nodes", "", func(key, value *yaml.Node) {
		if key.Value == "count" {
			r.setting(&yaml.Node{Kind: key.Kind, Value: "nodes", Line: key.Line, Column: key.Column}, value, r.table.Keys, theFile, f.Values)
			return
		}
		g := Group{Name: key.Value, Nodes: 1, Place: Place{key.Line, key.Column}}
		r.members(&g, value, "the node "+g.Name, nil)
		f.Single[g.Name] = g
	})
}

// members reads what is other in some nodes. count reads how many they are; nil: one.
func (r *reader) members(g *Group, n *yaml.Node, what string, count func(*yaml.Node)) {
	g.Values, g.Vars = map[string]string{}, map[string]string{}
	if n.ShortTag() == "!!null" && count == nil {
		return
	}
	keys := slices.DeleteFunc(slices.Clone(r.table.Keys), func(k Key) bool { return !k.OfNode })
	r.pairs(n, what, "write `ram: 4096` below it, indented", func(key, value *yaml.Node) {
		switch {
		case key.Value == "nodes" && count != nil:
			count(value)
		case key.Value == "var":
			r.vars(value, g.Vars)
		default:
			r.setting(key, value, keys, what, g.Values)
		}
	})
}

// vars reads words of the user's own.
func (r *reader) vars(n *yaml.Node, into map[string]string) {
	r.pairs(n, "var", "write `Registry_Mirror: 10.0.0.5:5000` below it, indented", func(key, value *yaml.Node) {
		if wrong := r.table.Var(key.Value); wrong != "" {
			r.wrong(key, wrong, "%s cannot be a word of yours", key.Value)
			return
		}
		if value.Kind != yaml.ScalarNode || value.ShortTag() == "!!null" {
			r.wrong(value, `write "" for none`, "%s is text, not %s", key.Value, tagOf(value))
			return
		}
		into[key.Value] = value.Value
	})
}
