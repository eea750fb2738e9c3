package command

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"text/tabwriter"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/etcd"
)

// printNodes ends `up` with a line a node, with its etcd where there is one, also of nodes that failed.
func (r *Run) printNodes(nodes []booted, status etcd.Status) error {
	members := map[string]etcd.Member{}
	for _, m := range status.Members {
		members[m.Endpoint] = m
	}
	table := tabwriter.NewWriter(r.log.Writer(), 0, 8, 3, ' ', 0)
	fmt.Fprint(table, "NODE\tHOST NAME\tADDRESS\tMAC")
	if len(members) > 0 {
		fmt.Fprint(table, "\tETCD")
	}
	fmt.Fprintln(table)
	for _, n := range r.withUndefined(nodes) {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s", n.step.Node.Name, dash(n.report.HostName), n.whereOr(), n.step.Node.MAC)
		if m, ok := members[r.clientURL(n.address())]; ok {
			fmt.Fprint(table, "\t"+describe(m, status.Answers()))
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

// withUndefined are the nodes, with those that Define failed at, in their order.
func (r *Run) withUndefined(nodes []booted) []booted {
	all := slices.Clone(nodes)
	for _, m := range r.members() {
		if !slices.ContainsFunc(nodes, func(n booted) bool { return n.step.Node.Name == m.Name }) {
			all = append(all, booted{step: plan.Step{Node: m}, err: errors.Join(r.failed...)})
		}
	}
	slices.SortFunc(all, func(a, b booted) int { return cmp.Compare(a.step.Node.Number, b.step.Node.Number) })
	return all
}

// whereOr is the node's address, or why it has none.
func (n booted) whereOr() string {
	switch address := n.address(); {
	case n.err != nil:
		return "failed"
	case address != "":
		return address
	}
	return "not known"
}
