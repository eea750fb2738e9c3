// Package readable turns Ignition documents into YAML for people: file contents decoded, modes in
// octal, what has a name under its name first.
package readable

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/vincent-petithory/dataurl"
	"go.yaml.in/yaml/v4"
)

// Document is the Ignition document as YAML, to be read and compared: data URLs are shown as what
// they carry, so that two documents differ where their decoded contents do.
func Document(doc []byte) ([]byte, error) {
	return write(doc, style{key: func(key string) string { return key }, resource: shown})
}

// style is how a document is written.
type style struct {
	key      func(string) string
	resource func(resource map[string]any, data []byte) *yaml.Node // for what a data URL carries
}

func write(doc []byte, s style) ([]byte, error) {
	tree, err := parse(doc)
	if err != nil {
		return nil, err
	}
	node, err := s.node("", prune(tree))
	if err != nil {
		return nil, err
	}
	return encode(node)
}

// prune is v without nulls and empty objects, which say nothing.
func prune(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = prune(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = prune(v[key])
			if child, isMap := v[key].(map[string]any); v[key] == nil || isMap && len(child) == 0 {
				delete(v, key)
			}
		}
	}
	return v
}

func parse(doc []byte) (tree map[string]any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(doc))
	decoder.UseNumber()
	if err := decoder.Decode(&tree); err != nil {
		return nil, fmt.Errorf("the Ignition document is not JSON: %w", err)
	}
	return tree, nil
}

func (s style) node(key string, v any) (*yaml.Node, error) {
	switch v := v.(type) {
	case map[string]any:
		return s.mapping(v)
	case []any:
		list := &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range v {
			node, err := s.node("", item)
			if err != nil {
				return nil, err
			}
			list.Content = append(list.Content, node)
		}
		return list, nil
	case json.Number:
		return number(key, v), nil
	case string:
		return text(v), nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: fmt.Sprint(v), Tag: tagOf(v)}, nil
}

func tagOf(v any) string {
	if v == nil {
		return "!!null"
	}
	return "!!bool"
}

// mapping writes names before the rest, which is in the order of the alphabet.
func (s style) mapping(v map[string]any) (*yaml.Node, error) {
	if isData(v) {
		data, err := Contents(v)
		if err != nil {
			return nil, err
		}
		return s.resource(v, data), nil
	}
	node := &yaml.Node{Kind: yaml.MappingNode}
	for _, key := range slices.SortedFunc(maps.Keys(v), nameFirst) {
		value, err := s.node(key, v[key])
		if err != nil {
			return nil, err
		}
		node.Content = append(node.Content, text(s.key(key)), value)
	}
	return node, nil
}

// isData reports whether it is a resource whose contents are in the document.
func isData(v map[string]any) bool {
	source, _ := v["source"].(string)
	return strings.HasPrefix(source, "data:")
}

func nameFirst(a, b string) int {
	rank := func(key string) int {
		if i := slices.Index([]string{"variant", "version", "name", "path"}, key); i >= 0 {
			return i
		}
		return 9
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
}

// number writes modes as everybody does, in octal.
func number(key string, n json.Number) *yaml.Node {
	if i, err := strconv.ParseUint(n.String(), 10, 32); err == nil && key == "mode" {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: fmt.Sprintf("0%o", i)}
	}
	tag := "!!float"
	if _, err := n.Int64(); err == nil {
		tag = "!!int"
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: n.String()}
}

// text writes several lines as a block, where YAML can hold them so.
func text(s string) *yaml.Node {
	node := &yaml.Node{}
	node.SetString(s)
	return node
}

// shown is what a data URL carries as text, or where it is none as its size and digest.
func shown(_ map[string]any, data []byte) *yaml.Node {
	if !utf8.Valid(data) {
		return text(fmt.Sprintf("(%d bytes, sha256 %x)", len(data), sha256.Sum256(data)))
	}
	return text(string(data))
}

// Contents are the bytes that a resource's data URL carries, unzipped.
func Contents(resource map[string]any) ([]byte, error) {
	source, _ := resource["source"].(string)
	url, err := dataurl.DecodeString(source)
	if err != nil {
		return nil, fmt.Errorf("no data URL of RFC 2397: %w", err)
	}
	if resource["compression"] != "gzip" {
		return url.Data, nil
	}
	reader, err := gzip.NewReader(bytes.NewReader(url.Data))
	if err != nil {
		return nil, fmt.Errorf("compression is gzip, but the contents are not: %w", err)
	}
	return io.ReadAll(reader)
}
