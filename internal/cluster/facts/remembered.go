package facts

import (
	"os"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
)

// Remembered are the marks of this workspace's nodes, by the nodes' names: those of the domains, and of nodes without one, or if
// domains is nil of all, those in the nodes' folders. What was made in a lab counts only there.
func (p Place) Remembered(domains map[string]engine.Domain) map[string]*engine.Metadata {
	marks := map[string]*engine.Metadata{}
	for _, d := range p.Members(domains, "") {
		marks[d.Name] = d.Metadata
	}
	entries, _ := os.ReadDir(p.VM())
	for _, entry := range entries {
		node := workspace.Node{Name: entry.Name(), Dir: p.VM(entry.Name())}
		if _, known := domains[node.Name]; known || !entry.IsDir() {
			continue
		}
		if m := p.noted(node); m != nil && m.InLab() == p.InLab && p.NodeOf(m).Name == node.Name {
			marks[node.Name] = m
		}
	}
	return marks
}

// noted is the mark in the node's folder: as libvirt had it last, or else as it was made.
func (p Place) noted(node workspace.Node) *engine.Metadata {
	if text, err := os.ReadFile(node.Defined()); err == nil {
		if d, err := p.Definitions.Parse(string(text)); err == nil && d.Metadata != nil {
			return d.Metadata
		}
	}
	return p.Made(node)
}

// Latest is which of the marks of a cluster says what it was made with: the one that was said last. marks are by the nodes' names.
func Latest(marks map[string]*engine.Metadata) map[string]*engine.Metadata {
	latest := map[string]*engine.Metadata{}
	for _, m := range marks {
		was := latest[m.Cluster]
		if was == nil || m.Said > was.Said || m.Said == was.Said && m.Number < was.Number {
			latest[m.Cluster] = m
		}
	}
	return latest
}
