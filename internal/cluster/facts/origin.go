package facts

import (
	"os"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
)

// Origin is the path from which the UUIDs of the workspace's nodes are made. One that has no ID yet may have nodes that were
// made by a path with symbolic links: that path is in the definitions in their folders.
func Origin(w workspace.Workspace, definitions engine.Definitions) string {
	if w.Origin != "" {
		return w.Origin
	}
	p := Place{Workspace: w, Definitions: definitions}
	entries, _ := os.ReadDir(w.VM())
	for _, entry := range entries {
		m := p.Made(workspace.Node{Name: entry.Name(), Dir: w.VM(entry.Name())})
		if m != nil && workspace.NameOf(m) == entry.Name() && w.IsAt(m.Workspace) {
			return m.Workspace
		}
	}
	return w.Root
}
