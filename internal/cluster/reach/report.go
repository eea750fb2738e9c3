// Package reach knows where nodes are: it asks them, remembers what they said, and finds those that cannot say it.
package reach

import (
	"context"
	"errors"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/workspace"
)

// Nodes are those of a workspace, as their host reaches them.
type Nodes struct {
	workspace.Workspace
	engine.Link
	Where  engine.Where                  // the libvirt of the run: if it is on another host, so is the link
	Engine func() (engine.Engine, error) // the one of the run
	Ready  bool                          // whether the nodes have the unit that reports them ready
}

// Report is the node's next report that says that it can be reached. An address that the node cannot have is left out of it; if
// there is no other the error is ErrImpossible. waits gets the reasons why it cannot be reached yet.
func (n Nodes) Report(ctx context.Context, node string, waits func(reason string)) (guest.Report, error) {
	for {
		report, err := n.nextReport(ctx, node, waits)
		if !errors.Is(err, engine.ErrRestarted) || ctx.Err() != nil {
			return report, err
		}
	}
}

func (n Nodes) nextReport(ctx context.Context, node string, waits func(reason string)) (guest.Report, error) {
	opened, err := n.Engine()
	if err != nil {
		return guest.Report{}, err
	}
	channel, err := opened.Channel(ctx, node, guest.ReadyChannel)
	if err != nil {
		return guest.Report{}, err
	}
	defer channel.Close()
	report, err := guest.ReadReport(channel, workspace.MAC(node), waits)
	if err != nil {
		return report, err
	}
	return n.possible(node, report)
}
