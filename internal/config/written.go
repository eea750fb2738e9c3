package config

import (
	"maps"
	"path/filepath"

	"coreos-libvirt/internal/workspace"
)

// Written is one file of those that the user wrote, and a document is made of.
type Written struct {
	Path   string // as the user would write it
	Text   []byte
	Locals []string // folders of the local files that it names: the first that has one counts
}

// Written are the files that the node's document is made of, what counts more first, and what puts words' values in their places in
// them, but for those that are made for the cluster.
func (s Source) Written(node workspace.Node) (files []Written, replace func(string) string) {
	for _, f := range s.userFiles(node.Name) {
		template := s.Common
		if f.path != s.Path {
			template = s.Overlays[node.Name]
		}
		locals := []string{Beside(s.Path, "files")}
		if template.Legacy {
			locals = append(locals, filepath.Dir(f.path))
		}
		files = append(files, Written{Path: f.path, Text: f.source, Locals: locals})
	}
	words := maps.Clone(s.Shared)
	maps.Copy(words, s.nodeWords(node))
	return files, words.Replacer().Replace
}
