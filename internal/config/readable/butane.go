package readable

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
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

// hump is where a word of a key's name begins; MiB is one word.
var hump = regexp.MustCompile(`[a-z0-9][A-Z]|[A-Z]{2}[a-z]`)

// snake is Butane's name of a key of Ignition's: sshAuthorizedKeys is ssh_authorized_keys.
func snake(key string) string {
	split := hump.ReplaceAllStringFunc(strings.Replace(key, "MiB", "Mib", 1), func(at string) string { return at[:1] + "_" + at[1:] })
	return strings.ToLower(split)
}

// inline is what a data URL carries in Butane's words, which compresses it anew where that pays; what is no
// text stays the URL, compressed as it is. A digest is of what is carried, and stays.
func inline(resource map[string]any, data []byte) *yaml.Node {
	node := &yaml.Node{Kind: yaml.MappingNode}
	put := func(key string, value any) {
		if s, ok := value.(string); ok {
			node.Content = append(node.Content, text(key), text(s))
		}
	}
	if utf8.Valid(data) {
		put("inline", string(data))
	} else {
		put("source", resource["source"])
		put("compression", resource["compression"])
	}
	if verification, ok := resource["verification"].(map[string]any); ok {
		hash := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{text("hash"), text(fmt.Sprint(verification["hash"]))}}
		node.Content = append(node.Content, text("verification"), hash)
	}
	return node
}
