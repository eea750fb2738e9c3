package reach

import (
	"context"
	"errors"
	"fmt"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/hint"
)

// Patience is how long a running node may take to say where it is; it says so every second.
const Patience = 20 * time.Second

// patienceFailed is how long a node may take whose console shows that its boot failed: it may have come up all the same.
const patienceFailed = 2 * time.Second

// Whereabouts is the report of a node that runs: it gives one within a second if it is ready. If the nodes have no readiness
// unit, the report is what can be found out.
func (n Nodes) Whereabouts(ctx context.Context, node engine.Domain) (guest.Report, error) {
	failed := n.bootFailure(node)
	patience := Patience
	if failed != "" {
		patience = patienceFailed
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	report, err := n.whereabouts(ctx, node)
	if err != nil && failed != "" {
		err = hint.Errorf(fmt.Sprintf("`mage logs node=%s` shows all of it; `mage up recreate=%s` recreates the node", node.Name, node.Name),
			"%s failed: %s", node.Name, failed)
	}
	return report, err
}

// bootFailure is what of the node's boot failed, as its console says.
func (n Nodes) bootFailure(node engine.Domain) string {
	log, err := n.Log(n.NodeOf(node.Metadata))
	if err != nil {
		return ""
	}
	return BootFailure(log)
}

func (n Nodes) whereabouts(ctx context.Context, node engine.Domain) (guest.Report, error) {
	if !n.Ready {
		report, _, err := n.Found(ctx, n.NodeOf(node.Metadata))
		return report, err
	}
	if report, ok := n.Remembered(ctx, node.Name); ok {
		return report, nil
	}
	waits := "no word from it"
	report, err := n.Report(ctx, node.Name, func(reason string) { waits = "it cannot be reached yet, " + reason })
	switch {
	case errors.Is(err, ErrImpossible):
		err = fmt.Errorf("%s: %w", node.Name, err)
	case err != nil:
		err = hint.Errorf("is the node up? `mage up` says so; where it was made with ready=off, say so here, too", "%s: %s: %w", node.Name, waits, err)
	}
	return report, err
}
