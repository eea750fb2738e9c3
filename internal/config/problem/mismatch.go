package problem

import (
	"fmt"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"
)

// mismatch is a value that is not of the type that its key has.
type mismatch struct {
	node *yaml.Node
	kind reflect.Type
	name string // of its key, or of what it is an entry of
}

// tags are YAML's types, as people call them.
var tags = map[string]string{"!!seq": "a list", "!!map": "a mapping", "!!str": "text", "!!int": "a number", "!!float": "a number", "!!bool": "true or false", "!!null": "nothing", "!!timestamp": "a date", "!!binary": "binary data"}

// mismatches are the values below n that do not fit into the type, as yaml.v3 reads it.
func mismatches(n *yaml.Node, into reflect.Type, name string) (all []mismatch) {
	n, into = target(At(n)), plain(into)
	if fitsAll(n, into) {
		return nil
	}
	switch keyed := into.Kind() == reflect.Struct || into.Kind() == reflect.Map; {
	case into.Kind() == reflect.Slice && n.Kind == yaml.SequenceNode:
		for _, entry := range n.Content {
			all = append(all, mismatches(entry, into.Elem(), "an entry of "+name)...)
		}
		return all
	case keyed && n.Kind == yaml.MappingNode:
		return inMapping(n, into)
	case keyed && !readsItself(into) || !decodes(n, into):
		return []mismatch{{n, into, name}}
	}
	return nil
}

// fitsAll reports whether nothing is known of the type, or nothing stands there.
func fitsAll(n *yaml.Node, into reflect.Type) bool {
	return into == nil || into.Kind() == reflect.Interface || n.Kind == 0 || n.ShortTag() == "!!null"
}

// decodes reports whether a value of one line is one of the type.
func decodes(n *yaml.Node, into reflect.Type) bool {
	return n.Kind == yaml.ScalarNode && n.Decode(reflect.New(into).Interface()) == nil
}

// readsItself reports whether yaml.v3 leaves it to the type how it is read.
func readsItself(t reflect.Type) bool {
	_, is := reflect.PointerTo(t).MethodByName("UnmarshalYAML")
	return is
}

func inMapping(n *yaml.Node, into reflect.Type) (all []mismatch) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.ShortTag() == "!!merge" {
			all = append(all, inMerged(target(value), into)...)
			continue
		}
		all = append(all, mismatches(value, below(into, key.Value), key.Value)...)
	}
	return all
}

func inMerged(n *yaml.Node, into reflect.Type) (all []mismatch) {
	if n.Kind == yaml.MappingNode {
		return inMapping(n, into)
	}
	for _, one := range n.Content {
		all = append(all, inMapping(target(one), into)...)
	}
	return all
}

func (m mismatch) problem() Problem {
	p := Problem{Line: m.node.Line, Column: m.node.Column, Kind: "error"}
	has := m.has()
	switch m.kind.Kind() {
	case reflect.Struct, reflect.Map:
		p.Text, p.Hint = m.mapping()
	case reflect.Slice:
		p.Text = fmt.Sprintf("%s is a list, not %s", m.name, has)
		p.Hint = m.asList()
	case reflect.String:
		p.Text = fmt.Sprintf("%s is text, not %s", m.name, has)
		p.Hint = fmt.Sprintf("quote it, or write `%s: |` and the text below, indented further", m.name)
	case reflect.Bool:
		p.Text, p.Hint = fmt.Sprintf("%s is true or false, not %s", m.name, has), fmt.Sprintf("write `%s: true` or `%s: false`", m.name, m.name)
	default:
		p.Text = fmt.Sprintf("%s is a number, not %s", m.name, has)
		p.Hint = m.asNumber()
	}
	p.Hint = strings.ReplaceAll(p.Hint, "`an entry of ", "`- # of ") // a list's entries have no key
	return p
}

// has is the value, or what it is.
func (m mismatch) has() string {
	quoted := m.node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
	switch {
	case m.node.Kind != yaml.ScalarNode || strings.Contains(m.node.Value, "\n"):
		return tags[m.node.ShortTag()]
	case quoted && m.kind.Kind() != reflect.Slice:
		return "text in quotes"
	}
	return short(m.node.Value, tags[m.node.ShortTag()])
}

// mapping says which keys what should be a mapping has.
func (m mismatch) mapping() (said, advice string) {
	if m.name == "the config" {
		return "a config is a mapping: variant:, version:, storage: …", "it begins with `variant: fcos` and `version: 1.5.0`"
	}
	keys := Keys(m.kind)
	sources := intersection([]string{"inline", "local", "source", "remote"}, keys)
	if len(sources) > 1 {
		keys = sources
	}
	if len(keys) == 0 {
		return m.name + " is a mapping", fmt.Sprintf("write `key: value` below %s", m.name)
	}
	said = fmt.Sprintf("%s is a mapping: %s", m.name, either(keys))
	switch {
	case m.node.Kind == yaml.SequenceNode:
		advice = "leave out the `- `: " + m.name + " is not a list"
	case len(sources) > 1:
		advice = fmt.Sprintf("put the text below `%s:`, as `inline: |`", m.name)
	default:
		advice = fmt.Sprintf("write `%s: …` below it", keys[0])
	}
	return said, advice
}

// asList is how the value is written as a list.
func (m mismatch) asList() string {
	const few = 20
	keys := Keys(m.kind.Elem())
	switch {
	case len(keys) > 0 && m.node.Kind == yaml.ScalarNode:
		return fmt.Sprintf("write each entry below it, as `- %s: …`", keys[0])
	case len(keys) > 0 && len(m.node.Content) > 0:
		return fmt.Sprintf("write `- %s:`, and indent the entry's other keys by two blanks more", m.node.Content[0].Value)
	case m.node.Kind == yaml.ScalarNode && len(m.node.Value) <= few && !strings.Contains(m.node.Value, "\n"):
		return fmt.Sprintf("write `%s: [%s]`, or each entry in a line of its own, behind `- `", m.name, m.node.Value)
	}
	return "write each entry in a line of its own, behind `- `, without a key"
}

// asNumber is how the value is written as a number.
func (m mismatch) asNumber() string {
	digits := strings.TrimLeft(strings.TrimPrefix(m.node.Value, "0o"), "0")
	octal := digits != "" && strings.Trim(digits, "01234567") == ""
	switch {
	case m.name == "mode" && octal:
		return "write `mode: 0" + digits + "`, without quotes"
	case m.name == "mode":
		return "a mode is octal, digits 0 to 7, with a leading 0: `mode: 0644`"
	case m.node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 && digits != "" && strings.Trim(digits, "0123456789") == "":
		return fmt.Sprintf("write it without quotes: `%s: %s`", m.name, m.node.Value)
	}
	if strings.HasSuffix(m.name, "_mib") {
		return fmt.Sprintf("a whole number without a unit: 10 GiB are `%s: 10240`", m.name)
	}
	return fmt.Sprintf("a whole number without a unit: `%s: 10`", m.name)
}

// either is "a:, b: or c:".
func either(keys []string) string {
	const most = 9
	if len(keys) > most {
		return strings.Join(keys[:most], ":, ") + ": and others"
	}
	if len(keys) == 1 {
		return keys[0] + ":"
	}
	return strings.Join(keys[:len(keys)-1], ":, ") + ": or " + keys[len(keys)-1] + ":"
}
