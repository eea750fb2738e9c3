package command

import (
	"fmt"
	"strings"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// choice is which nodes of a workspace the user names.
type choice struct {
	workspace workspace.Workspace
	node      string // node=, or empty
	prefix    string // prefix=, or empty: all clusters
	up        string // the command that makes nodes
	asked     string // the command that wants one node, or empty
}

// chosen is what the user names in this run.
func chosen(r *Run) choice {
	c := choice{workspace: r.ws(), node: r.Node}
	if r.Given("prefix") && !r.All {
		c.prefix = r.Prefix
	}
	c.up = upAsCalled(r.Settings)
	return c
}

// one is the node that node= names, of whatever cluster of the workspace. If there is only one node, it needs no name.
func (c choice) one(domains map[string]engine.Domain) (engine.Domain, error) {
	ours := c.workspace.Members(domains, "")
	names := []string{}
	for _, d := range ours {
		if d.Name == c.node || len(ours) == 1 && c.node == "" {
			return d, nil
		}
		names = append(names, d.Name)
	}
	if len(names) == 0 {
		return engine.Domain{}, hint.Errorf("`"+c.up+"` makes some", "this workspace has no nodes")
	}
	if c.node == "" {
		return engine.Domain{}, hint.Errorf(fmt.Sprintf("`%s node=%s`; nodes are %s", c.asked, names[0], strings.Join(names, ", ")), "there are %d nodes, and node= says which one", len(names))
	}
	return engine.Domain{}, hint.Errorf("nodes are "+strings.Join(names, ", "), "node=%s is not a node of this workspace", c.node)
}

// some are the node that node= names, or without it all nodes of the cluster prefix=, or of the workspace: at least one.
func (c choice) some(domains map[string]engine.Domain) ([]engine.Domain, error) {
	if c.node != "" {
		one, err := c.one(domains)
		return []engine.Domain{one}, err
	}
	nodes := c.workspace.Members(domains, c.prefix)
	if len(nodes) == 0 {
		return nil, hint.Errorf("`"+c.up+"` makes some", "there are no nodes")
	}
	return nodes, nil
}

// chosenNode is the node that node= names, of the target.
func chosenNode(r *Run, target string) (engine.Domain, error) {
	domains, err := r.domains()
	if err != nil {
		return engine.Domain{}, err
	}
	c := chosen(r)
	c.asked = asCalled(r.Settings, target)
	return c.one(domains)
}

// chosenNodes are the nodes that node= and prefix= name, at least one.
func chosenNodes(r *Run) ([]engine.Domain, error) {
	domains, err := r.domains()
	if err != nil {
		return nil, err
	}
	return chosen(r).some(domains)
}
