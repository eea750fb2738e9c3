package facts

import (
	"errors"
	"fmt"
	"strings"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// Place is where a run looks: a workspace, and a libvirt. What is noted in the workspace can be read without that.
type Place struct {
	workspace.Workspace
	engine.Where
	Definitions engine.Definitions // of the domains that are made here

	Unknown func(node string) error // why a node without a domain may have one all the same; nil: none may
}

// InTheWay is an error that names all that keeps the cluster's nodes from being made: domains of somebody else, and nodes
// that another libvirt has.
func (p Place) InTheWay(nodes []workspace.Node, domains map[string]engine.Domain, prefix string) error {
	errs := []error{workspace.Foreign(p.Workspace, nodes, p.Resolved(domains), prefix)}
	for _, node := range nodes {
		if _, defined := domains[node.Name]; defined {
			continue
		}
		made := p.Made(node)
		if err := errors.Join(p.another(node, made), p.elsewhere(node, made)); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", node.Name, err))
		}
	}
	return errors.Join(errs...)
}

// another is an error if the node's folder is that of another cluster's node of the same name: core-worker01 is one of
// core-worker, or of the group worker of core.
func (p Place) another(node workspace.Node, m *engine.Metadata) error {
	if m == nil || m.Cluster == node.Prefix || workspace.NameOf(m) != node.Name {
		return nil
	}
	return hint.Errorf("choose another prefix=, or another name of the group; `mage down prefix="+m.Cluster+"` removes that cluster",
		"%s is of a node of the cluster %s; it is left alone", p.Relative(node.Dir), m.Cluster)
}

// elsewhere is an error if the node was made by another libvirt than this run's: it may run there.
func (p Place) elsewhere(node workspace.Node, m *engine.Metadata) error {
	if m == nil || m.Libvirt == "" || workspace.Exists(node.Leaving()) {
		return nil
	}
	if _, has := p.Has(m.Libvirt); has {
		return nil
	}
	made := strings.TrimPrefix(m.Libvirt, "lab ")
	advice := "uri=" + made + " is that one"
	switch {
	case m.InLab() && !p.InLab:
		advice = "`mage lab down` removes it there, `mage labdown` takes the lab apart with all that is in it"
	case p.InLab && !m.InLab():
		advice = "without the word lab it is that one"
	case len(p.Hosts) > 0:
		advice = "name " + made + " in hosts=, as before; if it is gone for good, rm -r " + p.Relative(node.Dir) + " forgets the node"
	}
	return hint.Errorf(advice, "%s was made for the libvirt at %s, and this run's is %s; it is left alone", p.Relative(node.Dir), m.Libvirt, p.String())
}
