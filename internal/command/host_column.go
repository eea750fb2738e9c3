package command

import (
	"cmp"
	"slices"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/table"
)

// hostOf is the host that the node is on, or that chosen has for it; empty if there is one host, or if it is not known.
func hostOf(r *Run, node string, chosen map[string]string) string {
	if several := engine.HostsOf(r.conn); several != nil {
		return cmp.Or(chosen[node], several.HostOf(node))
	}
	return ""
}

// hosted is a table with the column HOST behind the first, if there are several hosts.
type hosted struct {
	*table.Table
	several bool
}

func hostTable(r *Run, columns ...string) hosted {
	several := len(r.Hosts) > 0
	return hosted{table.New(withHost(several, "HOST", columns)...), several}
}

// row adds a line.
func (h hosted) row(host string, cells ...string) {
	h.Row(withHost(h.several, table.Dash(host), cells)...)
}

func withHost(several bool, host string, cells []string) []string {
	if !several {
		return cells
	}
	return slices.Insert(slices.Clone(cells), 1, host)
}
