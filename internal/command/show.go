package command

import (
	"context"
	"fmt"
	"strings"

	"coreos-libvirt/internal/terminal/hint"
)

// Show prints node='s Ignition document as people read it, contents decoded; without node= the first's.
// Nothing else goes to standard output: it can be piped.
func Show(ctx context.Context, r *Run) error {
	r.onlyLook()
	texts, warned, err := readableNodes(ctx, toLook(r))
	for _, warning := range warned {
		warn("%s", warning)
	}
	if err != nil {
		return err
	}
	names := []string{}
	for _, node := range r.members() {
		if node.Name == r.Node || r.Node == "" {
			_, err = fmt.Fprintf(r.log.Writer(), "# %s\n%s", r.ws().Relative(node.Ignition()), texts[node.Name])
			return err
		}
		names = append(names, node.Name)
	}
	return hint.Errorf("nodes are "+strings.Join(names, ", "), "node=%s is no node of this cluster", r.Node)
}
