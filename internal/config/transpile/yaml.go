package transpile

import (
	"slices"

	"gopkg.in/yaml.v3"

	"coreos-libvirt/internal/config/problem"
)

// plain is the YAML without what stands for something elsewhere, aliases and merge keys (<<), which a Container
// Linux Config's transpiler does not know; same is whether there was none. Scalars stay as they were written.
func plain(source []byte) (text []byte, same bool, err error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(source, &doc); err != nil {
		return nil, false, err
	}
	stands := func(n *yaml.Node) bool { return n.Kind == yaml.AliasNode || n.ShortTag() == "!!merge" }
	if problem.Find(&doc, stands) == nil {
		return source, true, nil
	}
	text, err = yaml.Marshal(resolved(&doc))
	return text, false, err
}

// resolved is a copy with all aliases and merge keys put in. (The document decodes: none holds itself.)
func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return resolved(n.Alias)
	}
	c := *n
	c.Anchor, c.Content = "", nil
	merged := []*yaml.Node{}
	for i, child := range n.Content {
		switch {
		case n.Kind == yaml.MappingNode && i%2 == 0 && child.ShortTag() == "!!merge":
			merged = append(merged, resolved(n.Content[i+1]))
		case n.Kind == yaml.MappingNode && i%2 == 1 && n.Content[i-1].ShortTag() == "!!merge":
		default:
			c.Content = append(c.Content, resolved(child))
		}
	}
	for _, m := range merged {
		add(&c, m)
	}
	return &c
}

// add puts what a merge key names into a mapping: a mapping, or a list of them of which the first counts. What
// the mapping has itself stays.
func add(to, from *yaml.Node) {
	if from.Kind == yaml.SequenceNode {
		for _, m := range from.Content {
			add(to, m)
		}
		return
	}
	for pair := range slices.Chunk(from.Content, 2) {
		if len(pair) == 2 && problem.Below(to, pair[0].Value) == nil {
			to.Content = append(to.Content, pair...)
		}
	}
}
