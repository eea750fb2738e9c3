// Package render makes each node's Ignition document from the template: the project's words replaced
// by the node's values, and the project's own snippets merged in.
package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"sort"
	"strings"
	"unicode"

	"coreos-libvirt/internal/terminal/hint"
)

// Words are the values that replace the project's words, by word.
type Words map[string]string

// Substitute replaces every word of the document by its value, wherever it stands: in plain strings
// (a unit's name and contents, a host name, a key), and inside file contents that a data URL carries
// URL-escaped, in base64, or gzipped. Contents without a word keep their bytes.
// The result is indented and ends with a newline.
// A word of the project's that has no value is an error that names its place.
func Substitute(doc []byte, words Words) ([]byte, error) {
	if err := words.valid(); err != nil {
		return nil, err
	}
	s := substituter{replacer: words.Replacer(), check: words.checker(nil)}
	return s.document(doc)
}

// Check finds words of the project's that the document has and words has not, as Substitute does, and those
// that may be mistyped: of these it only warns. advice says what gives a word a value; it may be nil, or say nothing.
func Check(doc []byte, words Words, advice func(word string) string) (warnings []string, err error) {
	s := substituter{replacer: strings.NewReplacer(), check: words.checker(advice), warn: func(text string) { warnings = append(warnings, text) }}
	_, err = s.document(doc)
	return warnings, err
}

// Uses is which of the words stand in the document, decoded contents included, in order.
func Uses(doc []byte, words ...string) ([]string, error) {
	seen := map[string]bool{}
	err := texts(doc, func(text, _ string) {
		for _, word := range words {
			seen[word] = seen[word] || strings.Contains(text, word)
		}
	})
	maps.DeleteFunc(seen, func(_ string, is bool) bool { return !is })
	return slices.Sorted(maps.Keys(seen)), err
}

// Replacer looks at all words in one pass, so that a value that holds a word is not replaced again.
// Of two words of which one starts with the other, the longer wins.
func (w Words) Replacer() *strings.Replacer {
	names := []string{}
	for name := range w {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool { return len(names[i]) > len(names[j]) })
	pairs := []string{}
	for _, name := range names {
		pairs = append(pairs, name, w[name])
	}
	return strings.NewReplacer(pairs...)
}

type substituter struct {
	replacer *strings.Replacer
	look     func(text, at string)    // sees all texts; nil where nobody asks
	check    func(text string) []miss // finds words without a value; nil where nobody asks
	warn     func(text string)        // told of those that may be meant; nil where nobody asks
}

func (s substituter) document(doc []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(doc))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return nil, hint.Errorf("`mage transpile` makes it again", "the Ignition document is not JSON: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, hint.Errorf("`mage transpile` makes it again", "something follows the Ignition document")
	}
	tree, err := s.value(tree, "")
	if err != nil {
		return nil, err
	}
	return encode(tree)
}

// encode is json.Marshal for people: indented, without escapes for <, > and &.
func encode(tree any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(tree)
	return out.Bytes(), err
}

// value gives v with all words in it replaced; at is its path in the document.
func (s substituter) value(v any, at string) (any, error) {
	switch v := v.(type) {
	case string:
		text, err := s.text(v, at)
		if err != nil {
			err = fmt.Errorf("%s: %w", at, err)
		}
		return text, err
	case []any:
		for i := range v {
			var err error
			if v[i], err = s.value(v[i], fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return nil, err
			}
		}
		return v, nil
	case map[string]any:
		return s.object(v, at)
	}
	return v, nil
}

func (s substituter) object(v map[string]any, at string) (any, error) {
	at = named(v, at)
	if isResource(v) {
		if err := s.resource(v, at); err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
		return v, nil
	}
	for key := range v {
		var err error
		if v[key], err = s.value(v[key], strings.TrimPrefix(at+"."+key, ".")); err != nil {
			return nil, err
		}
	}
	return v, checkUnitName(v, at)
}

// checkUnitName refuses a name, of a unit or a drop-in, that is no file name, or that systemd would not take.
// Ignition's validator looks at its ending only.
func checkUnitName(v map[string]any, at string) error {
	name, ok := v["name"].(string)
	if !ok || !strings.HasPrefix(at, "systemd.units[") {
		return nil
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r == '/' || unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return hint.Errorf("no / and no blanks (systemd.unit(5))", "%s: %q is not the name of a unit", at, name)
	}
	return nil
}

// named adds to a place what people know it by: a file's path, a unit's or a user's name.
func named(v map[string]any, at string) string {
	for _, key := range []string{"path", "name"} {
		if name, ok := v[key].(string); ok {
			return fmt.Sprintf("%s (%s)", at, name)
		}
	}
	return at
}

func (s substituter) text(text, at string) (string, error) {
	if s.look != nil {
		s.look(text, at)
	}
	if s.check == nil {
		return s.replacer.Replace(text), nil
	}
	for _, m := range s.check(text) {
		if m.fatal {
			return "", hint.Errorf(m.advice, "%s", m.what)
		}
		if s.warn != nil {
			s.warn(fmt.Sprintf("%s: warning: %s (hint: %s)", at, m.what, m.advice))
		}
	}
	return s.replacer.Replace(text), nil
}
