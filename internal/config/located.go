package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"coreos-libvirt/internal/config/problem"
	"coreos-libvirt/internal/config/render"
	"coreos-libvirt/internal/config/transpile"
)

// An error about a node's document names a place in the user's own YAML: the document itself nobody has. Its lists are merged of
// several files, so entries are found by their names.

// userFile is one file of those that a document is made of.
type userFile struct {
	path   string
	source []byte
	doc    yaml.Node
}

func userFileOf(path string, t transpile.Template) userFile {
	f := userFile{path: path, source: t.Source}
	_ = yaml.Unmarshal(t.Source, &f.doc) // it has been transpiled
	return f
}

// userFiles are the node's own config, if it has one, and the common one.
func (s Source) userFiles(node string) (files []userFile) {
	if own, has := s.Overlays[node]; has {
		files = append(files, userFileOf(s.overlayPath(node), own))
	}
	return append(files, userFileOf(s.Path, s.Common))
}

// located is err, about a document of the files, at its places in them: template is what the document was made of, with its
// words. What is not found there is said with the names of all of the files.
func located(files []userFile, names string, template []byte, words render.Words, err error) error {
	var refused *render.Refused
	var tree any
	if !errors.As(err, &refused) || len(refused.Faults) == 0 || json.Unmarshal(template, &tree) != nil {
		return fmt.Errorf("%s: %w", names, err)
	}
	said := []error{}
	for _, f := range files {
		problems := []problem.Problem{}
		for _, fault := range refused.Faults {
			if n := f.find(tree, fault.Path); n != nil {
				problems = append(problems, described(n, fault, words, placeOf(files, tree, fault.First)))
			}
		}
		if len(problems) > 0 {
			said = append(said, problem.Explain(f.path, f.source, problems, adviceIgnition))
			refused.Faults = slices.DeleteFunc(refused.Faults, func(fault render.Fault) bool { return f.find(tree, fault.Path) != nil })
		}
	}
	if len(refused.Faults) > 0 {
		said = append(said, fmt.Errorf("%s: %w", names, err))
	}
	return errors.Join(said...)
}

// placeOf is "file:line:column" of what is at the path in the document's tree, or empty.
func placeOf(files []userFile, tree any, path []any) string {
	for _, f := range files {
		if n := f.find(tree, path); n != nil && len(path) > 0 {
			return fmt.Sprintf("%s:%d:%d", f.path, n.Line, n.Column)
		}
	}
	return ""
}

const adviceIgnition = "https://coreos.github.io/ignition/specs/ lists the fields of each version"

// described is the fault at a node of the user's, whose words have been replaced in the document; first is where the first of two
// of one name is.
func described(n *yaml.Node, fault render.Fault, words render.Words, first string) problem.Problem {
	p := problem.Problem{Line: n.Line, Column: n.Column, Kind: "error", Text: fault.At + ": " + fault.Said}
	if first != "" {
		p.Text, p.Hint = fmt.Sprintf("%s is there already, at %s", fault.Name, first), "leave out one of the two, or put both into one"
		return p
	}
	if n.Kind != yaml.ScalarNode || fault.Text == n.Value {
		return p
	}
	p.Text = fmt.Sprintf("%s: with its words replaced it is %q", fault.Said, fault.Text)
	used := []string{}
	for word := range words {
		if ofWord.MatchString(word) && strings.Contains(n.Value, word) {
			used = append(used, word)
		}
	}
	if slices.Sort(used); len(used) > 0 {
		p.Hint = fmt.Sprintf("the value of %s makes it so", strings.Join(used, " or of "))
	}
	return p
}

var ofWord = regexp.MustCompile(`^\w+$`)

// find is the node of what is at the path in the document's tree, or nil if the file does not have it.
func (f userFile) find(tree any, path []any) *yaml.Node {
	n := problem.At(&f.doc)
	for _, step := range path {
		below, next := f.step(n, tree, step)
		if below == nil {
			if _, is := step.(int); is || n == problem.At(&f.doc) {
				return nil
			}
			return n // Butane's contents.inline is contents.source in the document
		}
		n, tree = below, next
	}
	return n
}

// step is what is below n, and below the tree.
func (f userFile) step(n *yaml.Node, tree, step any) (below *yaml.Node, next any) {
	if i, is := step.(int); is {
		list, _ := tree.([]any)
		if i >= len(list) {
			return nil, nil
		}
		return entryNamed(n, list[i]), list[i]
	}
	key := fmt.Sprint(step)
	if v, is := tree.(map[string]any); is {
		next = v[key]
	}
	return problem.Below(n, snake(key)), next
}

// entryNamed is the entry of a list that has the name of the document's, or nil.
func entryNamed(n *yaml.Node, entry any) *yaml.Node {
	has, _ := entry.(map[string]any)
	for i := 0; ; i++ {
		below := problem.Below(n, i)
		if below == nil {
			return nil
		}
		if text, is := entry.(string); is && below.Value == text {
			return below
		}
		for _, key := range []string{"path", "name", "device"} {
			if name := problem.Below(below, key); has[key] != nil && name != nil {
				if name.Value == has[key] {
					return below
				}
				break
			}
		}
	}
}

var upper = regexp.MustCompile(`MiB|[A-Z]`)

// snake is an Ignition key as Butane and Container Linux Configs write it: sizeMiB is size_mib.
func snake(key string) string {
	return strings.ToLower(upper.ReplaceAllString(key, "_$0"))
}
