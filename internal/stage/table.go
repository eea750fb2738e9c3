package stage

import (
	"fmt"
	"text/tabwriter"
)

// printNodes ends `up` with a line a node.
func (r *Run) printNodes(nodes []booted) {
	table := tabwriter.NewWriter(r.log.Writer(), 0, 8, 3, ' ', 0)
	fmt.Fprintln(table, "NODE\tADDRESS\tMAC\tHOST NAME")
	for _, n := range nodes {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", n.step.Node.Name, n.address(), n.step.Node.MAC, n.report.HostName)
	}
	_ = table.Flush()
}
