package stage

import (
	"context"
	"errors"
	"slices"

	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/workspace"
)

// report is the node's next word that it can be reached at an address. Why it cannot be yet goes to waits.
func (r *Run) report(ctx context.Context, node string, waits func(reason string)) (guest.Report, error) {
	for {
		report, err := r.nextReport(ctx, node, waits)
		if !errors.Is(err, libvirt.ErrRestarted) || ctx.Err() != nil {
			return report, err
		}
	}
}

func (r *Run) nextReport(ctx context.Context, node string, waits func(reason string)) (guest.Report, error) {
	conn, err := r.libvirt()
	if err != nil {
		return guest.Report{}, err
	}
	channel, err := conn.Channel(ctx, node, guest.ReadyChannel)
	if err != nil {
		return guest.Report{}, err
	}
	defer channel.Close()
	return guest.ReadReport(channel, workspace.MAC(node), waits)
}

// reachable are the nodes that told where they are.
func reachable(nodes []booted) []booted {
	return slices.DeleteFunc(slices.Clone(nodes), func(n booted) bool { return n.address() == "" })
}

// trust makes the host keys that nodes reported the ones that `mage ssh` accepts.
func (r *Run) trust(nodes []booted) error {
	reports := reportsOf(nodes)
	if len(reports) == 0 {
		return nil
	}
	return r.access(r.Prefix).Trust(reports)
}

// reportsOf are the reports of the nodes that gave one, by name.
func reportsOf(nodes []booted) map[string]guest.Report {
	reports := map[string]guest.Report{}
	for _, n := range nodes {
		if n.err == nil && n.report.BootID != "" {
			reports[n.step.Node.Name] = n.report
		}
	}
	return reports
}
