package command

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"text/tabwriter"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/terminal/progress"
)

// printNodes ends `up` with a line a node, with its etcd where there is one, also of nodes that failed.
func (r *Run) printNodes(nodes []boot.Node, status etcd.Status) error {
	view, members := r.view(), map[string]etcd.Member{}
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
		fmt.Fprintf(table, "%s\t%s\t%s\t%s", n.Step.Node.Name, dash(n.Report.HostName), whereOr(n), n.Step.Node.MAC)
		if m, ok := members[view.ClientURL(n.Address())]; ok {
			fmt.Fprint(table, "\t"+describe(m, status.Answers()))
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

// withUndefined are the nodes, with those that Define failed at, in their order.
func (r *Run) withUndefined(nodes []boot.Node) []boot.Node {
	all := slices.Clone(nodes)
	for _, m := range r.members() {
		if !slices.ContainsFunc(nodes, func(n boot.Node) bool { return n.Step.Node.Name == m.Name }) {
			all = append(all, boot.Node{Step: plan.Step{Node: m}, Err: errors.Join(r.failed...)})
		}
	}
	slices.SortFunc(all, func(a, b boot.Node) int { return cmp.Compare(a.Step.Node.Number, b.Step.Node.Number) })
	return all
}

// whereOr is the node's address, or why it has none.
func whereOr(n boot.Node) string {
	switch address := n.Address(); {
	case n.Err != nil:
		return "failed"
	case address != "":
		return address
	}
	return "not known"
}

// describe is a node's etcd in a few words, for the table; formed tells that there is a cluster without it.
func describe(m etcd.Member, formed bool) string {
	told := m.Version + ", " + progress.Bytes(m.DBSize) + ", " + m.ID
	switch {
	case m.Healthy && m.Learner:
		return "learner, no vote yet, " + told
	case m.Healthy && m.IsLeader():
		return "healthy, leader, " + told
	case m.Healthy:
		return "healthy, " + told
	case formed && m.ID == "":
		return "no member"
	}
	return "not healthy: " + m.Error
}
