package command

import (
	"slices"

	"coreos-libvirt/internal/guest"
)

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
