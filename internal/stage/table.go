package stage

import (
	"fmt"
	"text/tabwriter"

	"coreos-libvirt/internal/etcd"
)

// printNodes ends `up` with a line a node, with its etcd where there is one: members are in the nodes' order.
func (r *Run) printNodes(nodes []booted, status etcd.Status) error {
	members := status.Members
	formed := 0
	if r.token != nil && status.Check(r.token.Size) == nil {
		formed = r.token.Size
	}
	table := tabwriter.NewWriter(r.log.Writer(), 0, 8, 3, ' ', 0)
	fmt.Fprint(table, "NODE\tHOST NAME\tADDRESS\tMAC")
	if members != nil {
		fmt.Fprint(table, "\tETCD")
	}
	fmt.Fprintln(table)
	for i, n := range nodes {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s", n.step.Node.Name, n.report.HostName, n.address(), n.step.Node.MAC)
		if i < len(members) {
			fmt.Fprint(table, "\t"+describe(members[i], formed))
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}
