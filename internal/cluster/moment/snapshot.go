package moment

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace/wait"
)

// Snapshot is a snapshot of a cluster: one of each node. Somebody else's has no ID, and is of the nodes that have one of its name.
type Snapshot struct {
	Name    string    `json:"name"`
	Cluster string    `json:"cluster"`
	ID      string    `json:"id,omitempty"`
	Nodes   []string  `json:"nodes"`             // that have it
	Missing []string  `json:"missing,omitempty"` // that should have it, and do not
	Made    time.Time `json:"made"`              // of the first node
	Memory  bool      `json:"memory"`            // whether one has the memory of a guest that ran

	of map[string]engine.Snapshot // by node
}

// Ours reports whether this project made it.
func (m Snapshot) Ours() bool { return m.ID != "" }

// Complete reports whether all nodes have it that were of the cluster when it was made.
func (m Snapshot) Complete() bool { return len(m.Missing) == 0 }

// Lacking says which nodes have it, and which do not.
func (m Snapshot) Lacking() string {
	return fmt.Sprintf("%s of it, %s not", have(m.Nodes), have(m.Missing))
}

func have(nodes []string) string {
	if len(nodes) == 1 {
		return nodes[0] + " has"
	}
	return strings.Join(nodes, ", ") + " have"
}

// State says in words whether the cluster can go back to it.
func (m Snapshot) State() string {
	switch {
	case !m.Ours():
		return "somebody else's"
	case !m.Complete():
		return "incomplete: " + have(m.Missing) + " it not"
	}
	return "complete"
}

// Of are the snapshots of the cluster's nodes, whoever made them, the oldest first.
func Of(on engine.SnapshotList, cluster string, nodes []engine.Domain) ([]Snapshot, error) {
	lists := make([][]engine.Snapshot, len(nodes))
	err := errors.Join(wait.Each(len(nodes), func(i int) (err error) {
		if lists[i], err = on.Snapshots(nodes[i].Name); err != nil {
			return fmt.Errorf("%s: %w", nodes[i].Name, err)
		}
		return nil
	})...)
	all := []Snapshot{}
	for i, node := range nodes {
		for _, s := range lists[i] {
			all = with(all, cluster, node.Name, s)
		}
	}
	slices.SortStableFunc(all, func(a, b Snapshot) int { return cmp.Or(a.Made.Compare(b.Made), strings.Compare(a.Name, b.Name)) })
	return all, err
}

// with are the snapshots, and in them the node's snapshot.
func with(all []Snapshot, cluster, node string, s engine.Snapshot) []Snapshot {
	note, ours := ParseNote(s.Note)
	if !ours || note.Cluster != cluster {
		note = Note{}
	}
	i := slices.IndexFunc(all, func(m Snapshot) bool { return m.Name == s.Name && m.ID == note.ID })
	if i < 0 {
		all = append(all, Snapshot{Name: s.Name, Cluster: cluster, ID: note.ID, Missing: note.Nodes, Made: s.Made, of: map[string]engine.Snapshot{}})
		i = len(all) - 1
	}
	m := &all[i]
	m.Nodes, m.Memory, m.of[node] = append(m.Nodes, node), m.Memory || s.Memory, s
	m.Missing = slices.DeleteFunc(slices.Clone(m.Missing), func(name string) bool { return name == node })
	if s.Made.Before(m.Made) {
		m.Made = s.Made
	}
	return all
}

// Named are those of the name: more than one if somebody else has made one, too.
func Named(all []Snapshot, name string) (found []Snapshot) {
	for _, m := range all {
		if m.Name == name {
			found = append(found, m)
		}
	}
	return found
}
