package command

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/table"
)

// Show prints node='s Ignition document as people read it, contents decoded; without node= the first's.
// Nothing else goes to standard output: it can be piped.
func Show(ctx context.Context, r *Run) error {
	r.onlyLook()
	if r.Format == "json" {
		return showJSON(ctx, r)
	}
	texts, warned, err := readableNodes(ctx, toLook(r))
	for _, warning := range warned {
		warn("%s", warning)
	}
	if err != nil {
		return err
	}
	for _, node := range r.members() {
		if node.Name == r.Node || r.Node == "" {
			_, err = fmt.Fprintf(r.log.Writer(), "# %s\n%s", r.ws().Relative(node.Ignition()), texts[node.Name])
			return err
		}
	}
	return noSuchNode(r)
}

// showJSON prints the document itself.
func showJSON(ctx context.Context, r *Run) error {
	seen, err := toLook(r)(ctx)
	for _, warning := range seen.source.Warnings() {
		warn("%s", warning)
	}
	if err != nil {
		return err
	}
	for _, d := range seen.documents {
		if d.Name == r.Node || r.Node == "" {
			return table.JSON(r.out, json.RawMessage(d.JSON))
		}
	}
	return noSuchNode(r)
}

// noSuchNode is the error of a node= that the cluster will not have.
func noSuchNode(r *Run) error {
	names := []string{}
	for _, node := range r.members() {
		names = append(names, node.Name)
	}
	return hint.Errorf("nodes are "+strings.Join(names, ", "), "node=%s is not a node of this cluster", r.Node)
}
