package kola

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"coreos-libvirt/internal/config/problem"
	"coreos-libvirt/internal/terminal/hint"
)

// What a test's own lines begin with, and how much of its file is looked at for them, in bytes, as kola does
// (coreos-assembler, mantle/kola/harness.go).
const (
	jsonPrefix = "# kola:"
	yamlPrefix = "## kola:"
	yamlLine   = "## "
	looked     = 8192
)

// mostMinutes is how long a test may take, a week.
const mostMinutes = 7 * 24 * 60

// own is what a test's file says of it. has is whether it says anything.
func own(name string, source []byte) (meta Meta, notes []string, has bool, err error) {
	masked, isJSON, problems := maskedOf(source[:min(len(source), looked)])
	if masked == nil && problems == nil {
		return meta, nil, false, nil
	}
	meta, notes, err = parsed(name, source, masked, isJSON, problems)
	return meta, notes, true, err
}

// folder is what kola.json says of the tests beside it.
func folder(name string, source []byte) (Meta, []string, error) {
	return parsed(name, source, source, true, nil)
}

// maskedOf is the source with blanks in place of all that is not metadata, so that places in it are those in the file; nil: it has none.
func maskedOf(source []byte) (masked []byte, isJSON bool, problems []problem.Problem) {
	inYAML, ended := false, false
	lines := bufio.NewScanner(bytes.NewReader(source))
	lines.Buffer(nil, looked+1)
	text := strings.Builder{}
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		switch rest, is := strings.CutPrefix(line, yamlLine); {
		case strings.HasPrefix(line, jsonPrefix):
			if inYAML {
				return nil, false, []problem.Problem{wrong(n, 1, "metadata stand above, behind "+yamlPrefix, "leave one of the two out")}
			}
			return []byte(text.String() + strings.Repeat(" ", len(jsonPrefix)) + line[len(jsonPrefix):]), true, nil
		case strings.HasPrefix(line, yamlPrefix):
			if problems = yamlBegins(line, n, inYAML || ended); problems != nil {
				return nil, false, problems
			}
			inYAML = true
		case inYAML && is:
			text.WriteString("   " + rest)
		case inYAML:
			inYAML, ended = false, true
		}
		text.WriteByte('\n')
	}
	if !inYAML && !ended {
		return nil, false, nil
	}
	return []byte(text.String()), false, nil
}

// yamlBegins is what is wrong with the line above metadata in YAML. again says that there were some before.
func yamlBegins(line string, n int, again bool) []problem.Problem {
	if begin := strings.TrimSpace(line[len(yamlPrefix):]); begin != "" {
		return []problem.Problem{wrong(n, len(yamlPrefix)+1, "metadata begin in the next line", "write `## "+begin+"` there")}
	}
	if again {
		return []problem.Problem{wrong(n, 1, "metadata stand above, too", "put all of them below one "+yamlPrefix)}
	}
	return nil
}

func wrong(line, column int, text, advice string) problem.Problem {
	return problem.Problem{Line: line, Column: column, Kind: "error", Text: text, Hint: advice}
}

// parsed reads metadata. notes are the keys that have no effect here.
func parsed(name string, source, masked []byte, isJSON bool, problems []problem.Problem) (meta Meta, notes []string, err error) {
	r := &reader{problems: problems}
	if problems == nil {
		r.read(masked, isJSON)
	}
	return r.meta, r.notes, problem.Explain(name, source, r.problems, "keys are "+strings.Join(keyNames(), ", "))
}

// reader reads the metadata of one test, or of a folder of tests.
type reader struct {
	meta     Meta
	notes    []string
	problems []problem.Problem
}

func (r *reader) read(source []byte, isJSON bool) {
	if isJSON {
		if p := notJSON(source); p != nil {
			r.problems = append(r.problems, *p)
			return
		}
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(source, &doc); err != nil {
		r.problems = problem.Of(err, source, reflect.TypeFor[yaml.Node]())
		return
	}
	if len(doc.Content) == 0 {
		return
	}
	r.keys(doc.Content[0])
}

// notJSON is what keeps the source from being JSON, or nil: YAML, by which it is read, takes more.
func notJSON(source []byte) *problem.Problem {
	var any map[string]json.RawMessage
	decoder := json.NewDecoder(bytes.NewReader(source))
	err, at := decoder.Decode(&any), int64(0)
	if err == nil {
		if rest := bytes.TrimSpace(source[decoder.InputOffset():]); len(rest) > 0 {
			at, err = int64(bytes.Index(source[decoder.InputOffset():], rest[:1]))+decoder.InputOffset()+1, errors.New("something stands behind the end of the JSON")
		}
	}
	if err == nil {
		return nil
	}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		at = syntax.Offset
	case errors.As(err, &kind):
		at = 1
	case at == 0:
		at = int64(len(source))
	}
	before := source[:max(0, min(at-1, int64(len(source))))]
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	p := wrong(bytes.Count(before, []byte("\n"))+1, utf8.RuneCount(line)+1, strings.TrimPrefix(err.Error(), "json: "), `metadata in JSON are one object: { "tags": "needs-internet" }`)
	return &p
}

func (r *reader) keys(top *yaml.Node) {
	if top.Kind != yaml.MappingNode {
		r.problems = append(r.problems, wrong(top.Line, top.Column, "metadata are keys and values", "write `## tags: slow`"))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		if seen[key.Value] {
			r.problems = append(r.problems, wrong(key.Line, key.Column, key.Value+" is there already", "a key stands once"))
		}
		seen[key.Value] = true
		r.key(key, value)
	}
}

func (r *reader) key(key, value *yaml.Node) {
	i := slices.IndexFunc(keys, func(k metaKey) bool { return k.name == key.Value })
	if i < 0 {
		advice := "keys are " + strings.Join(keyNames(), ", ")
		if near := hint.Nearest(key.Value, keyNames()); near != "" {
			advice = fmt.Sprintf("write `%s` in place of `%s`", near, key.Value)
		}
		r.problems = append(r.problems, wrong(key.Line, key.Column, "there is no key "+key.Value, advice))
		return
	}
	k, tag := keys[i], value.ShortTag()
	switch {
	case k.none != "":
		r.notes = append(r.notes, fmt.Sprintf("%s has no effect here: %s", k.name, k.none))
		return
	case tag != k.tag && tag != "!!null":
		advice := k.example()
		if !strings.HasPrefix(tag, "!!") { // YAML takes a word that begins with ! for one of its own
			advice = fmt.Sprintf("quote it: `%s: \"%s %s\"`", k.name, tag, value.Value)
		}
		r.problems = append(r.problems, wrong(value.Line, value.Column, fmt.Sprintf("%s is %s", key.Value, kinds[k.tag]), advice))
		return
	case k.read == nil || tag == "!!null":
		return
	}
	if text := k.read(&r.meta, value.Value); text != "" {
		r.problems = append(r.problems, wrong(value.Line, value.Column, fmt.Sprintf("%s: %s: %s", k.name, value.Value, text), k.example()))
	}
}

// metaKey is one that metadata may have.
type metaKey struct {
	name string
	tag  string // YAML's of its value; empty: any
	none string // why it has no effect here; empty: it has, or what it asks for is so in any case
	read func(m *Meta, text string) (wrong string)
}

// kinds are what values are, by YAML's tags.
var kinds = map[string]string{"!!str": "a text", "!!int": "a whole number", "!!bool": "true or false", "!!seq": "a list"}

func (k metaKey) example() string {
	return "write `" + k.name + ": " + map[string]string{"!!str": "words with blanks between them", "!!int": "8", "!!bool": "false", "!!seq": "[one, two]"}[k.tag] + "`"
}

const (
	byCluster  = "nodes are as the cluster's settings make them"
	byImage    = "nodes boot the cluster's image"
	byDocument = "nodes have the cluster's Ignition document"
)

// keys are those of kola's externalTestMeta (coreos-assembler, mantle/kola/harness.go), and `nodes`.
var keys = []metaKey{
	{name: "architectures", tag: "!!str", read: func(m *Meta, text string) string { m.Architectures = listOf(text); return "" }},
	{name: "distros", tag: "!!str", read: func(m *Meta, text string) string { m.Distros = listOf(text); return "" }},
	{name: "platforms", tag: "!!str", read: func(m *Meta, text string) string { m.Platforms = listOf(text); return "" }},
	{name: "tags", tag: "!!str", read: func(m *Meta, text string) string { m.Tags = strings.Fields(text); return "" }},
	{name: "requiredTag", tag: "!!str", read: func(m *Meta, text string) string { m.RequiredTag = text; return "" }},
	{name: "timeoutMin", tag: "!!int", read: minutes},
	{name: "description", tag: "!!str", read: func(m *Meta, text string) string { m.Description = text; return "" }},
	{name: "nodes", tag: "!!str", read: nodes},
	{name: "exclusive", tag: "!!bool"}, // of two tests, one runs after the other
	{name: "conflicts", tag: "!!seq"},
	{name: "noInstanceCreds", tag: "!!bool"}, // nodes have none
	{name: "allowConfigWarnings", none: byDocument},
	{name: "appendFirstbootKernelArgs", none: byDocument},
	{name: "appendKernelArgs", none: byDocument},
	{name: "injectContainer", none: byImage},
	{name: "bootFrom", none: byImage},
	{name: "primaryDisk", none: byCluster},
	{name: "additionalDisks", none: byCluster + ": `disks=`"},
	{name: "additionalNics", none: byCluster + ": `networks=`"},
	{name: "minMemory", none: byCluster + ": `ram=`"},
	{name: "minDisk", none: byCluster + ": `disk=`"},
	{name: "numaNodes", none: byCluster},
	{name: "instanceType", none: byCluster},
	{name: "bindMountHostRO", none: "nodes see nothing of the host's files"},
	{name: "requiredHostPorts", none: "nodes have addresses of their own"},
	{name: "creationDate", none: "a test that fails fails, however new it is"},
}

func keyNames() (names []string) {
	for _, k := range keys {
		names = append(names, k.name)
	}
	return names
}

func minutes(m *Meta, text string) string {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > mostMinutes {
		return fmt.Sprintf("it is 1 to %d, or 0 for the usual", mostMinutes)
	}
	m.Timeout = time.Duration(n) * time.Minute
	return ""
}

func nodes(m *Meta, text string) string {
	if text != "one" && text != "all" {
		return "it is one or all"
	}
	m.OneNode = text == "one"
	return ""
}
