// Package clusterfile reads clusters/<prefix>.yml, which says what a cluster is: settings, groups of nodes, single nodes. It
// knows the settings by a table that it is given; JSON Schema is made from the same.
package clusterfile

import (
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Key is a setting that may stand in the file.
type Key struct {
	Name    string
	Meaning string
	Default string // of the cluster's; empty if there is none, or if it is another on each machine
	OfNode  bool   // whether groups and single nodes may have their own
	Shape   Shape
	Check   func(text string) error // what is wrong with the value, to stand behind "x is y: "
}

// Table is what may stand in the file.
type Table struct {
	Keys    []Key
	Refused map[string]string        // settings that may not, and what to do instead
	Var     func(name string) string // what is wrong with the name of one of the user's own words, or empty
}

// File is what a cluster file says.
type File struct {
	Path   string            // as people see it
	There  bool              // whether there is a file
	Values map[string]string // by the setting's name
	Vars   map[string]string // the user's own words
	Groups []Group           // in the order of the file
	Single map[string]Group  // by the node's name

	source []byte
}

// Group is nodes of a cluster that differ from others, or one such node.
type Group struct {
	Name   string            // of the group, or of the single node
	Nodes  int               // how many; 1 for a single node
	Values map[string]string // what is other than the cluster's, by the setting's name; as text that was checked
	Vars   map[string]string // the same, of the user's own words
	Place  Place             // of its name in the file
}

// Place is where something stands: from 1, the column in characters.
type Place struct{ Line, Column int }

// Has is the file's value of a setting, or of one of the user's words (var.My_Word).
func (f File) Has(key string) (value string, has bool) {
	if name, is := strings.CutPrefix(key, "var."); is {
		value, has = f.Vars[name]
		return value, has
	}
	value, has = f.Values[key]
	return value, has
}

// Folder is where cluster files are, in a workspace.
const Folder = "clusters"

// Path is the cluster's file, in a workspace.
func Path(prefix string) string { return path.Join(Folder, prefix+ending) }

const ending = ".yml"

// Misnamed is what somebody may take for the path of the cluster's file.
func Misnamed(prefix string) string { return path.Join(Folder, prefix+".yaml") }

// Declared are the prefixes of the files in the workspace with that root.
func Declared(root string) (prefixes []string) {
	entries, _ := os.ReadDir(filepath.Join(root, Folder))
	for _, entry := range entries {
		if prefix, is := strings.CutSuffix(entry.Name(), ending); is && !entry.IsDir() {
			prefixes = append(prefixes, prefix)
		}
	}
	return prefixes
}
