package problem

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// Find is the first node below n that is as wanted.
func Find(n *yaml.Node, wanted func(*yaml.Node) bool) *yaml.Node {
	if wanted(n) {
		return n
	}
	for _, child := range n.Content {
		if found := Find(child, wanted); found != nil {
			return found
		}
	}
	return nil
}

// At is the node at a path of keys and indices, or nil. Aliases and merge keys (<<) are followed.
func At(n *yaml.Node, path ...any) *yaml.Node {
	if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
		n = n.Content[0]
	}
	for _, step := range path {
		if n = Below(n, step); n == nil {
			return nil
		}
	}
	return n
}

// Nearest is the key and the value at a path, or if there is none the nearest above it that there is. Of an entry of a list, and
// of the whole document, the key is the value.
func Nearest(n *yaml.Node, path ...any) (key, value *yaml.Node, deep int) {
	key, value = At(n), At(n)
	for i, step := range path {
		next := Below(value, step)
		if next == nil {
			return key, value, i
		}
		key = cmpKey(value, step, next)
		value = next
	}
	return key, value, len(path)
}

// cmpKey is the key by which value is in n.
func cmpKey(n *yaml.Node, step any, value *yaml.Node) *yaml.Node {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == fmt.Sprint(step) {
			return n.Content[i]
		}
	}
	return value
}

// Below is the value of a key of a mapping, or an entry of a list, or nil. What the mapping has itself counts more than what
// it merges.
func Below(n *yaml.Node, step any) *yaml.Node {
	n = target(n)
	if i, is := step.(int); is {
		if n.Kind != yaml.SequenceNode || i < 0 || i >= len(n.Content) {
			return nil
		}
		return n.Content[i]
	}
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == fmt.Sprint(step) && (n.Content[i].ShortTag() != "!!merge" || step == "<<") {
			return n.Content[i+1]
		}
	}
	return merged(n, step)
}

// merged is the value of a key of what the mapping merges.
func merged(n *yaml.Node, step any) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].ShortTag() != "!!merge" {
			continue
		}
		from := target(n.Content[i+1])
		if from.Kind != yaml.SequenceNode {
			return Below(from, step)
		}
		for _, one := range from.Content {
			if found := Below(one, step); found != nil {
				return found
			}
		}
	}
	return nil
}

// target is the node that an alias stands for.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}
