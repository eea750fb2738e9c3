package facts

import (
	"os"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
)

// Left says how an interrupted run has left the node. state is its domain's, empty if there is no domain.
func Left(node workspace.Node, state engine.State) string {
	_, unready := os.Stat(node.Report())
	_, files := os.Stat(node.Dir)
	switch {
	case state == engine.Running && unready == nil:
		return "left running, it was ready"
	case state == engine.Running:
		return "left running, it has not said that it is ready"
	case state != "":
		return "left defined, " + string(state)
	case files == nil:
		return "no domain, its files are left"
	}
	return "nothing is left of it"
}
