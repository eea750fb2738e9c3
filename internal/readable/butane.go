package readable

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// butaneVersion is of the variant flatcar: the newest that is not experimental (spec 3.4).
const butaneVersion = "1.1.0"

// Butane is the Ignition document, of a version up to 3.4, as a Butane config of the variant flatcar.
func Butane(doc []byte) ([]byte, error) {
	tree, err := parse(doc)
	if err != nil {
		return nil, err
	}
	if ignition, ok := tree["ignition"].(map[string]any); ok {
		delete(ignition, "version")
	}
	tree, _ = prune(tree).(map[string]any)
	tree["variant"], tree["version"] = "flatcar", butaneVersion
	s := style{key: snake, resource: inline}
	node, err := s.node("", tree)
	if err != nil {
		return nil, err
	}
	return encode(node)
}

var hump = regexp.MustCompile(`[a-z0-9][A-Z]|[A-Z]{2}[a-z]`)

// snake is Butane's name of a key of Ignition's: sshAuthorizedKeys is ssh_authorized_keys.
func snake(key string) string {
	split := hump.ReplaceAllStringFunc(key, func(at string) string { return at[:1] + "_" + at[1:] })
	return strings.ToLower(split)
}

// inline is what a data URL carries in Butane's words; what is no text stays the URL.
func inline(source string, data []byte) *yaml.Node {
	key, value := "inline", string(data)
	if !utf8.Valid(data) {
		key, value = "source", source
	}
	return &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{text(key), text(value)}}
}
