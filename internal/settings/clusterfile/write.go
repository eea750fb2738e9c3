package clusterfile

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Write is the text of a cluster file that says the values and the user's words: settings in the order of the table. Of values that are
// secret only the names are in it.
func Write(t Table, values, vars map[string]string, secret []string) ([]byte, error) {
	top := &yaml.Node{Kind: yaml.MappingNode}
	for _, k := range t.Keys {
		if value, has := values[k.Name]; has {
			add(top, k.Name, k.Shape.node(value))
		}
	}
	if len(vars) > 0 {
		words := &yaml.Node{Kind: yaml.MappingNode}
		for _, name := range slices.Sorted(maps.Keys(vars)) {
			add(words, name, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: vars[name]})
		}
		add(top, "var", words)
	}
	out := bytes.NewBufferString(FirstLine + "\n")
	for _, name := range secret {
		out.WriteString("# " + name + " is a secret: give it in the environment, or on the command line\n")
	}
	if len(top.Content) > 0 {
		encoder := yaml.NewEncoder(out)
		encoder.SetIndent(2)
		if err := encoder.Encode(top); err != nil {
			return nil, err
		}
	}
	out.WriteString(example)
	return out.Bytes(), nil
}

// example shows what only a file can say.
const example = `
# Nodes that differ, in place of nodes: above; those of this group are <prefix>-worker01 and <prefix>-worker02:
#groups:
#  worker: {nodes: 2, ram: 4096, config: ignition/worker.yml}
`

// add adds a key and its value to a mapping.
func add(mapping *yaml.Node, key string, value *yaml.Node) {
	mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, value)
}

// node is a value as it stands in a file.
func (s Shape) node(value string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
	_, err := strconv.Atoi(value)
	switch {
	case err == nil && (s.Type == Number || s.Type == Duration):
		n.Tag = "!!int"
	case s.Type == YesNo && (value == "true" || value == "false"):
		n.Tag = "!!bool"
	case s.Type == YesNo:
		n.Tag, n.Style = "", 0 // on and off: no quotes
	}
	if strings.Contains(value, "\n") {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}
