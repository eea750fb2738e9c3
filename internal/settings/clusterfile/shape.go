package clusterfile

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Type is what a value is in YAML.
type Type int

// Types of values.
const (
	Text     Type = iota
	Number        // a whole one
	YesNo         // true or false, on or off, yes or no
	Duration      // 90s, 10m, or a number of seconds
	List          // entries with commas, or a YAML list of them: numbers, texts, or mappings with the keys of Shape.Entry
)

// Shape is how a value looks in YAML.
type Shape struct {
	Type      Type
	Low, High int      // of a number; both 0: any
	Words     []string // all that there are; of a number those that may stand in its place
	Pattern   string   // of a text: a regular expression as Go and ECMAScript read it
	Filled    bool     // whether a text must not be empty
	Entry     *Entry   // of a list
}

// Entry is one of a list.
type Entry struct {
	Item Shape                               // if it is not a mapping
	Keys map[string]Shape                    // if it is one
	Text func(keys map[string]string) string // a mapping as the text that a word has in its place
	Need []string                            // keys that must be there
}

// tags are YAML's types, as people call them.
var tags = map[string]string{"!!seq": "a list", "!!map": "a mapping", "!!str": "text", "!!int": "a number", "!!float": "a number", "!!bool": "true or false", "!!timestamp": "a date", "!!binary": "binary data"}

// fits reports whether the node is of the type, and if not, what is, and what helps.
func (s Shape) fits(n *yaml.Node) (is bool, wanted, advice string) {
	tag := n.ShortTag()
	switch s.Type {
	case Number:
		advice = "write it without quotes: `" + n.Value + "`"
		if strings.Trim(n.Value, "0123456789") != "" {
			advice = "a whole number without a unit"
		}
		return tag == "!!int" || slices.Contains(s.Words, n.Value), strings.Join(append(slices.Clone(s.Words), "a number"), " or "), advice
	case YesNo:
		return tag == "!!bool" || slices.Contains(yesNo, n.Value), "true or false", "write `true` or `false`"
	case Duration:
		return tag == "!!int" || tag == "!!str", "a duration", "90s, 10m, 1h30m, or a number of seconds"
	}
	return tag == "!!str", "text", fmt.Sprintf("quote it: %q", n.Value)
}

// yesNo are the words for true and false that YAML 1.2 takes for text.
var yesNo = []string{"on", "off", "yes", "no"}
