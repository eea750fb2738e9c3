package transpile

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

var (
	// yamlLine is one thing that a YAML library says is wrong; of values of a wrong type it tells several at once.
	yamlLine = regexp.MustCompile(`line (\d+): (.+)`)
	// yamlValue and yamlKey are what it is about.
	yamlValue = regexp.MustCompile("cannot unmarshal (!!\\w+)(?: `([^`]*)`)?")
	yamlKey   = regexp.MustCompile(`mapping key "([^"]*)" already`)
)

// yamlProblems are the places of which a YAML library tells in the text of its error.
func yamlProblems(err error, source []byte) (problems []problem) {
	for _, found := range yamlLine.FindAllStringSubmatch(err.Error(), -1) {
		line, _ := strconv.Atoi(found[1])
		p := problem{line: line, kind: "error", text: found[2]}
		p.column = yamlColumn(p, source)
		problems = append(problems, p)
	}
	if problems == nil {
		problems = []problem{{kind: "error", text: strings.TrimPrefix(err.Error(), "yaml: ")}}
	}
	return problems
}

// yamlColumn finds the place in the line, of which the error does not tell: the value or the key that it is
// about, else the first that is not blank.
func yamlColumn(p problem, source []byte) int {
	var doc yaml.Node
	about := func(*yaml.Node) bool { return false }
	if value := yamlValue.FindStringSubmatch(p.text); value != nil {
		start := strings.TrimSuffix(value[2], "...")
		about = func(n *yaml.Node) bool { return n.ShortTag() == value[1] && strings.HasPrefix(n.Value, start) }
	} else if key := yamlKey.FindStringSubmatch(p.text); key != nil {
		about = func(n *yaml.Node) bool { return n.Value == key[1] }
	}
	if yaml.Unmarshal(source, &doc) == nil {
		found := find(&doc, func(n *yaml.Node) bool { return n.Line == p.line && about(n) })
		if found != nil {
			return found.Column
		}
	}
	lines := strings.Split(string(source), "\n")
	if p.line < 1 || p.line > len(lines) {
		return 1
	}
	line := lines[p.line-1]
	return len([]rune(line)) - len([]rune(strings.TrimLeft(line, " \t"))) + 1
}

// find is the first node below n that is as wanted.
func find(n *yaml.Node, wanted func(*yaml.Node) bool) *yaml.Node {
	if wanted(n) {
		return n
	}
	for _, child := range n.Content {
		if found := find(child, wanted); found != nil {
			return found
		}
	}
	return nil
}

// at is the node at a path of keys and indices, or nil.
func at(n *yaml.Node, path ...any) *yaml.Node {
	if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
		n = n.Content[0]
	}
	for _, step := range path {
		if n = below(n, step); n == nil {
			return nil
		}
	}
	return n
}

func below(n *yaml.Node, step any) *yaml.Node {
	if i, is := step.(int); is {
		if n.Kind != yaml.SequenceNode || i >= len(n.Content) {
			return nil
		}
		return n.Content[i]
	}
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == fmt.Sprint(step) {
			return n.Content[i+1]
		}
	}
	return nil
}

// plain is the YAML without what stands for something elsewhere, aliases and merge keys (<<), which a Container
// Linux Config's transpiler does not know; same is whether there was none. Scalars stay as they were written.
func plain(source []byte) (text []byte, same bool, err error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(source, &doc); err != nil {
		return nil, false, err
	}
	stands := func(n *yaml.Node) bool { return n.Kind == yaml.AliasNode || n.ShortTag() == "!!merge" }
	if find(&doc, stands) == nil {
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
		if len(pair) == 2 && below(to, pair[0].Value) == nil {
			to.Content = append(to.Content, pair...)
		}
	}
}
