// Package moment is about snapshots of whole clusters: one of each node, all of one moment. They are inside the nodes' disks.
//
// A moment is one because no node goes on before all have their snapshot: what one node has received then, the other has
// sent before it was paused. So etcd's members never remember more of each other than there is after a rollback.
package moment

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"coreos-libvirt/internal/engine"
)

// Note is what each snapshot of a node says of the cluster's, as libvirt's description of it.
type Note struct {
	Cluster string   // the prefix
	ID      string   // what the snapshots of one moment have in common
	Nodes   []string // that have one, if the snapshot is complete
	Boots   bool     // whether the node was shut down for it, and is to be booted after a rollback
}

// by is the word that notes begin with.
const by = "coreos-libvirt"

// NewNote is one for a moment of these nodes, which no other has.
func NewNote(cluster string, nodes []engine.Domain) Note {
	return Note{Cluster: cluster, ID: uuid.NewString(), Nodes: names(nodes)}
}

// String is the note as it is written.
func (n Note) String() string {
	text := by + " cluster=" + n.Cluster + " id=" + n.ID + " nodes=" + strings.Join(n.Nodes, ",")
	if n.Boots {
		text += " boots=true"
	}
	return text
}

// ParseNote reads one. A description that is none is somebody else's.
func ParseNote(text string) (n Note, ok bool) {
	words := strings.Fields(text)
	if len(words) == 0 || words[0] != by {
		return n, false
	}
	for _, word := range words[1:] {
		switch key, value, _ := strings.Cut(word, "="); key {
		case "cluster":
			n.Cluster = value
		case "id":
			n.ID = value
		case "nodes":
			n.Nodes = strings.Split(value, ",")
		case "boots":
			n.Boots = value == "true"
		}
	}
	return n, n.Cluster != "" && n.ID != "" && len(n.Nodes) > 0
}

func names(nodes []engine.Domain) (all []string) {
	for _, d := range nodes {
		all = append(all, d.Name)
	}
	slices.Sort(all)
	return all
}
