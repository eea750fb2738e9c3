// Package workspace knows the folder of the clone: every path below vm/, the names and addresses of nodes, the marks that a
// run leaves for the next one, and whose a name is.
package workspace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"coreos-libvirt/internal/engine"
)

// Workspace is the folder of a clone.
type Workspace struct {
	Root   string // absolute path
	ID     string // the same wherever the folder is moved; empty if no run has kept one yet
	Origin string // the path from which the nodes' UUIDs are made; empty for Root
}

// VM is a path below the folder of generated files.
func (w Workspace) VM(parts ...string) string {
	return filepath.Join(append([]string{w.Root, "vm"}, parts...)...)
}

// Relative is path as the user would write it.
func (w Workspace) Relative(path string) string {
	if short, err := filepath.Rel(w.Root, path); err == nil && len(short) < len(path) {
		return short
	}
	return path
}

// Node is the nth node of the cluster prefix, from 1, if that has no groups.
func (w Workspace) Node(prefix string, n int) Node { return NodeIn(w, prefix, "", n) }

// NodeIn is the nth node of the cluster's group, from 1.
func NodeIn(w Workspace, prefix, group string, n int) Node {
	node := nodeIn(w.VM(), prefix, group, n)
	node.UUID = domainUUID(Workspace{Root: w.origin()}.VM(node.Name))
	return node
}

// Nodes are the count nodes of the cluster prefix.
func (w Workspace) Nodes(prefix string, count int) []Node {
	nodes := make([]Node, count)
	for i := range nodes {
		nodes[i] = w.Node(prefix, i+1)
	}
	return nodes
}

// NodeOf is the node that the metadata are of.
func (w Workspace) NodeOf(m *engine.Metadata) Node { return NodeIn(w, m.Cluster, m.Group, m.Number) }

// DomainTemplate is the path of the template of domains.
func (w Workspace) DomainTemplate() string {
	return filepath.Join(w.Root, "templates", "domain.xml.tmpl")
}

// Exists reports whether there is something at the path, a symbolic link included.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// Forget removes a file, if it is there.
func Forget(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
