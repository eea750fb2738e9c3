// Package config is the way from the user's YAML to each node's Ignition document. It only reads.
package config

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"coreos-libvirt/internal/config/render"
	"coreos-libvirt/internal/config/transpile"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace"
)

// large is the size of a document from which on a guest is slow to read it by fw_cfg.
const large = 1 << 20

// SSHWord is replaced by the public half of the cluster's own key pair.
const SSHWord = "SSH_Authorized_Key"

// Options say what the documents are made of.
type Options struct {
	Workspace string                                       // absolute
	Path      string                                       // of the config
	Prefix    string                                       // of the cluster
	Nodes     []workspace.Node                             // that are made of the config
	Cluster   []workspace.Node                             // all of the cluster; nil: the same
	Vars      func(file string) (map[string]string, error) // the user's own words, with those of the file
	VarAs     func(word string) string                     // how the user gave one of them: var.My_Word; nil: by its name
	Advice    func(word string) string                     // what gives a word of the project's a value, or nothing; may be nil
	Later     render.Words                                 // words that get their values later, each with itself as its value
	System    string                                       // on the image: "flatcar", "fcos", or empty if that is not known

	Rendered func(node string) // called for each document that is made; nil: nobody counts them

	Ready        bool // nodes get the readiness snippet
	Updates      bool // nodes update themselves
	UpdatesGiven bool // the user says so, or says that they do not
}

// Source is the user's config as Read has read it: the documents of all nodes can be made of it.
type Source struct {
	Path     string
	Common   transpile.Template
	Overlays map[string]transpile.Template // of the nodes that have a config of their own, by name
	Shared   render.Words                  // words with the same value in all nodes
	Digests  map[string][sha256.Size]byte  // of each node's document without the words that get their values later
	Warnings []string                      // each once
	Tried    []Document                    // of all nodes, with words that get their values later as their own values

	advice func(word string) string
	nodes  []workspace.Node
	groups map[string]int    // how many nodes there are in each group of the cluster; nil: it has none
	merged map[string][]byte // what documents are made of, by node; the empty name's is for nodes without an overlay
	ready  *render.Readiness // nil: nodes get none
	counts func(node string)
}

// Read reads the config and the nodes' own, and makes all documents to try them. Warnings count with an error, too.
func Read(o Options) (s Source, err error) {
	s = Source{Path: o.Path, Overlays: map[string]transpile.Template{}, nodes: o.Nodes, groups: o.groups(), advice: o.Advice, counts: o.Rendered}
	if err := s.transpile(); err != nil {
		return s, err
	}
	vars, err := o.Vars(Beside(o.Path, "vars.yml"))
	if err != nil {
		return s, err
	}
	s.Shared = o.shared(vars)
	warnings, err := s.CheckWords(o.Later)
	s.warn(warnings...)
	if err != nil {
		return s, err
	}
	if s.ready, err = o.readiness(); err != nil {
		return s, err
	}
	if err := s.warnOfUnused(o, vars); err != nil {
		return s, err
	}
	if err := s.merge(o); err != nil {
		return s, err
	}
	return s, s.try(o.Later)
}

// System is the one that the config is for, "flatcar", or empty if its variant does not say so.
func (s Source) System() string {
	if s.Common.Variant == "flatcar" {
		return "flatcar"
	}
	return ""
}

// warn adds warnings, each once.
func (s *Source) warn(warnings ...string) {
	for _, text := range warnings {
		if !slices.Contains(s.Warnings, text) {
			s.Warnings = append(s.Warnings, text)
		}
	}
}

// transpile reads the config, and nodes/<node>.yml of each node that has one.
func (s *Source) transpile() (err error) {
	if s.Common, err = s.file(s.Path); err != nil {
		return err
	}
	for _, node := range s.nodes {
		path := s.overlayPath(node.Name)
		if _, err := os.Stat(path); os.IsNotExist(err) {
			continue
		}
		if s.Overlays[node.Name], err = s.file(path); err != nil {
			return err
		}
	}
	return nil
}

func (s *Source) file(path string) (transpile.Template, error) {
	template, err := transpile.File(path, Beside(s.Path, "files"))
	if err != nil {
		return template, err
	}
	s.warn(template.Warnings...)
	if err := render.Validate(template.JSON); err != nil {
		return template, located([]userFile{userFileOf(path, template)}, path, template.JSON, nil, err)
	}
	return template, nil
}

func (s Source) overlayPath(node string) string { return Beside(s.Path, overlayName(node)) }

// each calls do with the config and then with each overlay, and ends at an error.
func (s Source) each(do func(path string, doc []byte) error) error {
	if err := do(s.Path, s.Common.JSON); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(s.Overlays)) {
		if err := do(s.overlayPath(name), s.Overlays[name].JSON); err != nil {
			return err
		}
	}
	return nil
}

// CheckWords looks for words without a value in each config by itself, while the place in it is still the user's. later
// are words that get their values later. It gives what is worth a warning.
func (s Source) CheckWords(later render.Words) (warnings []string, err error) {
	words := s.known(later)
	err = s.each(func(path string, doc []byte) error {
		found, err := render.Check(doc, words, s.advice)
		for _, warning := range found {
			warnings = append(warnings, path+": "+warning)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	})
	return warnings, err
}

// known are all words that have a value, or get one later.
func (s Source) known(later render.Words) render.Words {
	words := maps.Clone(s.Shared)
	maps.Copy(words, later)
	maps.Copy(words, s.nodeWords(workspace.Node{}))
	words[SSHWord] = SSHWord
	return words
}

// CheckVersions makes sure that accepts takes the Ignition version of each config: of two configs that are merged the
// newer version counts.
func (s Source) CheckVersions(accepts func(version string) error) error {
	return s.each(func(path string, doc []byte) error {
		version, err := render.Version(doc)
		if err == nil {
			err = accepts(version)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	})
}

// Uses reports whether one of the words stands in the config or in a node's overlay.
func (s Source) Uses(words ...string) (used bool, err error) {
	err = s.each(func(_ string, doc []byte) error {
		found, err := render.Uses(doc, words...)
		used = used || len(found) > 0
		return err
	})
	return used, err
}

// NodeUses reports whether one of the words stands in what the node's document is made of.
func (s Source) NodeUses(node string, words ...string) (bool, error) {
	used, err := render.Uses(s.template(node), words...)
	return len(used) > 0, err
}

// try makes all documents before anything is written, with words that get their values later as their own values: an
// error in the config leaves everything as it was. The digests tell later whether a node differs from what it was
// made from.
func (s *Source) try(later render.Words) error {
	words := render.Words{}
	maps.Copy(words, later)
	words[SSHWord] = SSHWord
	documents, err := s.Render(Made{Words: words})
	if err != nil {
		return err
	}
	s.Tried, s.Digests = documents, map[string][sha256.Size]byte{}
	largest := Document{}
	for _, d := range documents {
		s.Digests[d.Name] = sha256.Sum256(d.JSON)
		if len(d.JSON) > len(largest.JSON) {
			largest = d
		}
	}
	if n := int64(len(largest.JSON)); n > large {
		s.warn(fmt.Sprintf("%s: warning: the Ignition document of %s has %s; QEMU's fw_cfg is read slowly, fetch large files from a URL instead",
			s.filesOf(largest.Name), largest.Name, progress.Bytes(n)))
	}
	return nil
}

// filesOf are the files that the node's document is made of.
func (s Source) filesOf(node string) string {
	if _, has := s.Overlays[node]; has {
		return s.Path + " with " + s.overlayPath(node)
	}
	return s.Path
}

// shared are the words whose values all nodes share and the settings say: vars are the user's own.
func (o Options) shared(vars render.Words) render.Words {
	words := render.Words{"Node_Prefix": o.Prefix, "Cluster_Name": o.Prefix, "Node_Count": strconv.Itoa(len(o.cluster()))}
	maps.Copy(words, vars)
	return words
}

// cluster are all nodes of it.
func (o Options) cluster() []workspace.Node {
	if o.Cluster == nil {
		return o.Nodes
	}
	return o.Cluster
}

// groups are how many nodes there are in each; nil if the cluster has none.
func (o Options) groups() (counts map[string]int) {
	for _, node := range o.cluster() {
		if node.Group != "" && counts == nil {
			counts = map[string]int{}
		}
		if node.Group != "" {
			counts[node.Group]++
		}
	}
	return counts
}

// readiness reads the snippet that every node gets, unless ready=off.
func (o Options) readiness() (*render.Readiness, error) {
	if !o.Ready {
		return nil, nil
	}
	var ready render.Readiness
	for name, text := range map[string]*[]byte{"ready.sh": &ready.Script, "ready.service": &ready.Service, "hotplug.rules": &ready.Rules} {
		var err error
		if *text, err = os.ReadFile(filepath.Join(o.Workspace, "templates", name)); err != nil {
			return nil, hint.Errorf("`git checkout templates` brings it back", "a file for the readiness unit is missing: %w", err)
		}
	}
	return &ready, nil
}
