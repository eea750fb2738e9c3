package problem

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

var (
	// said is one thing that yaml.v3 says is wrong; of values of a wrong type it names several at once.
	said = regexp.MustCompile(`line (\d+): (.+)`)
	// saidValue and saidKey are what it is about.
	saidValue = regexp.MustCompile("cannot unmarshal (!!\\w+)(?: `((?s:.*?))`)? into (\\S+)")
	saidKey   = regexp.MustCompile(`mapping key "([^"]*)" already defined at line (\d+)`)
	saidCycle = regexp.MustCompile(`anchor '(.*)' value contains itself`)
)

// Of are the problems that err, of yaml.v3, says source has, which it has read into a value of the type into.
func Of(err error, source []byte, into reflect.Type) (problems []Problem) {
	var doc yaml.Node
	if yaml.Unmarshal(source, &doc) != nil {
		if found := syntax(source); found != nil {
			return found
		}
	}
	wrong := mismatches(&doc, into, "the config")
	for _, found := range said.FindAllStringSubmatch(err.Error(), -1) {
		line, _ := strconv.Atoi(found[1])
		p := Problem{Line: line, Column: textOf(source).begin(line), Kind: "error", Text: found[2]}
		problems = append(problems, p.about(&doc, &wrong))
	}
	if problems != nil {
		return problems
	}
	p := whole(strings.TrimPrefix(err.Error(), "yaml: "), &doc)
	if p.Line == 0 && len(wrong) > 0 {
		p.Line, p.Column = wrong[0].node.Line, wrong[0].node.Column
	}
	return []Problem{p}
}

// about is the problem as people read it, at the node that it is about. Of wrong it takes the one that it is.
func (p Problem) about(doc *yaml.Node, wrong *[]mismatch) Problem {
	if key := saidKey.FindStringSubmatch(p.Text); key != nil {
		if n := Find(doc, func(n *yaml.Node) bool { return n.Line == p.Line && n.Value == key[1] }); n != nil {
			p.Column = n.Column
		}
		p.Text = fmt.Sprintf("%s is there already, in line %s", key[1], key[2])
		p.Hint = "a mapping has each key once: put what is below both under one"
		return p
	}
	for i, m := range *wrong {
		if m.node.Line == p.Line {
			*wrong = append((*wrong)[:i:i], (*wrong)[i+1:]...)
			return m.problem()
		}
	}
	if value := saidValue.FindStringSubmatch(p.Text); value != nil {
		p.Text = fmt.Sprintf("%s cannot stand here", cmp.Or(tags[value[1]], value[1]))
		start := strings.TrimSuffix(value[2], "...")
		if n := Find(doc, func(n *yaml.Node) bool {
			return n.Line == p.Line && n.ShortTag() == value[1] && strings.HasPrefix(n.Value, start)
		}); n != nil {
			p.Column = n.Column
		}
	}
	return p
}

// whole is a problem whose place yaml.v3 does not say at all.
func whole(said string, doc *yaml.Node) Problem {
	p := Problem{Kind: "error", Text: said}
	var n *yaml.Node
	switch cycle := saidCycle.FindStringSubmatch(said); {
	case cycle != nil:
		n = Find(doc, func(n *yaml.Node) bool { return n.Kind == yaml.AliasNode && n.Value == cycle[1] })
		p.Text, p.Hint = "*"+cycle[1]+" stands inside of what it stands for", "an alias is for what has ended before it"
	case strings.HasPrefix(said, "map merge requires"):
		n = Find(doc, badMerge)
		p.Text, p.Hint = "<< merges a mapping, or a list of them", "write `<<: *name`, with a mapping that has the anchor &name above"
	case strings.HasPrefix(said, "invalid map key"):
		n = Find(doc, badKey)
		p.Text, p.Hint = "a mapping or list as a key", "quote what begins with { or [, as the {{ }} of other programs' templates"
	case strings.Contains(said, "excessive aliasing"):
		p.Text, p.Hint = "its aliases stand for too much", "write out what they stand for"
	}
	if n != nil {
		p.Line, p.Column = n.Line, n.Column
	}
	return p
}

func badMerge(n *yaml.Node) bool { return anyPair(n, isBadMerge) }

func isBadMerge(key, value *yaml.Node) bool {
	value = target(value)
	return key.ShortTag() == "!!merge" && value.Kind != yaml.MappingNode && value.Kind != yaml.SequenceNode
}

func badKey(n *yaml.Node) bool {
	return anyPair(n, func(key, _ *yaml.Node) bool { return target(key).Kind != yaml.ScalarNode })
}

func anyPair(n *yaml.Node, is func(key, value *yaml.Node) bool) bool {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if is(n.Content[i], n.Content[i+1]) {
			return true
		}
	}
	return false
}
