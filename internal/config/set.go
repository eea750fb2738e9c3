package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"coreos-libvirt/internal/config/render"
	"coreos-libvirt/internal/workspace"
)

// Set are the configs that the nodes of a cluster are made of. Most clusters have one; nodes of groups can have others.
type Set struct {
	Sources []Source
	nodes   []workspace.Node // of all of them, in the cluster's order
}

// SetOf are the sources, of which the nodes are made.
func SetOf(nodes []workspace.Node, sources ...Source) Set { return Set{sources, nodes} }

// One is the only config of a cluster.
func One(source Source) Set { return SetOf(source.nodes, source) }

// Path names the files of the configs: a and b.
func (s Set) Path() string {
	paths := []string{}
	for _, source := range s.Sources {
		if !slices.Contains(paths, source.Path) {
			paths = append(paths, source.Path)
		}
	}
	return strings.Join(paths, " and ")
}

// Warnings are those of all configs, each once.
func (s Set) Warnings() (all []string) {
	for _, source := range s.Sources {
		for _, text := range source.Warnings {
			if !slices.Contains(all, text) {
				all = append(all, text)
			}
		}
	}
	return all
}

// Of is the config that the node is made of; known is false if there is none.
func (s Set) Of(node string) (source Source, known bool) {
	for _, source := range s.Sources {
		if len(s.Sources) == 1 || slices.ContainsFunc(source.nodes, func(n workspace.Node) bool { return n.Name == node }) {
			return source, true
		}
	}
	return Source{}, false
}

// Uses reports whether one of the words stands in one of the configs.
func (s Set) Uses(words ...string) (used bool, err error) {
	for _, source := range s.Sources {
		found, err := source.Uses(words...)
		if err != nil {
			return false, err
		}
		used = used || found
	}
	return used, nil
}

// NodeUses reports whether one of the words stands in what the node's document is made of.
func (s Set) NodeUses(node string, words ...string) (bool, error) {
	source, known := s.Of(node)
	if !known {
		return false, nil
	}
	return source.NodeUses(node, words...)
}

// Using are the nodes whose documents are made of one of the words. In a cluster without groups that has one config they are all,
// as all are made alike.
func (s Set) Using(words ...string) (using []workspace.Node, err error) {
	for _, node := range s.nodes {
		used := node.Group == "" && len(s.Sources) == 1
		if !used {
			if used, err = s.NodeUses(node.Name, words...); err != nil {
				return nil, err
			}
		}
		if used {
			using = append(using, node)
		}
	}
	return using, nil
}

// CheckWords looks for words without a value in each config.
func (s Set) CheckWords(later render.Words) (warnings []string, err error) {
	for _, source := range s.Sources {
		found, err := source.CheckWords(later)
		if warnings = append(warnings, found...); err != nil {
			return warnings, err
		}
	}
	return warnings, nil
}

// Render makes the documents of all nodes, in the cluster's order.
func (s Set) Render(made Made) ([]Document, error) {
	all := make([]Document, 0, len(s.nodes))
	for _, source := range s.Sources {
		documents, err := source.Render(made)
		if err != nil {
			return nil, err
		}
		all = append(all, documents...)
	}
	at := map[string]int{}
	for i, node := range s.nodes {
		at[node.Name] = i
	}
	slices.SortFunc(all, func(a, b Document) int { return cmp.Compare(at[a.Name], at[b.Name]) })
	return all, nil
}

// RenderOne makes the document of one node.
func (s Set) RenderOne(node workspace.Node, made Made) (Document, error) {
	source, known := s.Of(node.Name)
	if !known {
		return Document{}, fmt.Errorf("%s is made of no config", node.Name)
	}
	return source.RenderOne(node, made)
}
