package command

import (
	"cmp"
	"slices"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/terminal/table"
	"coreos-libvirt/internal/workspace"
)

// upNode is a node as `mage up format=json` prints it.
type upNode struct {
	Node     string `json:"node"`
	HostName string `json:"host_name,omitempty"`
	Address  string `json:"address,omitempty"`
	MAC      string `json:"mac"`
	Failed   string `json:"failed,omitempty"` // why it is not ready
	Etcd     string `json:"etcd,omitempty"`   // how its member is

	Units *nodeUnits `json:"units,omitempty"` // if it was asked for them
}

// printNodes ends `up`, for people or for a program. seen are the units of nodes that were asked for them.
func printNodes(r *Run, nodes []boot.Node, seen []nodeUnits, status etcd.Status, endpoint func(address string) string) error {
	if r.Format != "json" {
		if err := nodesTable(nodes, seen, status, endpoint).Print(r.log.Writer()); err != nil {
			return err
		}
		sayUnits(r.log, seen)
		return nil
	}
	all := []upNode{}
	for _, n := range nodes {
		u := upNode{Node: n.Step.Node.Name, HostName: n.Report.HostName, Address: n.Address(), MAC: n.Step.Node.MAC, Units: unitsFor(seen, n)}
		if n.Err != nil {
			u.Failed = hint.FirstLine(n.Err)
		}
		for _, m := range status.Members {
			if m.Endpoint == endpoint(u.Address) {
				u.Etcd = describe(m, status.Answers())
			}
		}
		all = append(all, u)
	}
	return table.JSON(r.out, all)
}

// nodesTable ends `up` with a line a node, and its member of etcd if there are members. endpoint is where the member at an
// address is reached.
func nodesTable(nodes []boot.Node, seen []nodeUnits, status etcd.Status, endpoint func(address string) string) *table.Table {
	members := map[string]etcd.Member{}
	for _, m := range status.Members {
		members[m.Endpoint] = m
	}
	head := []string{"NODE", "HOST NAME", "ADDRESS", "MAC"}
	if len(members) > 0 {
		head = append(head, "ETCD")
	}
	if len(seen) > 0 {
		head = append(head, "UNITS")
	}
	rows := table.New(head...)
	for _, n := range nodes {
		cells := []string{n.Step.Node.Name, table.Dash(n.Report.HostName), whereOr(n), n.Step.Node.MAC}
		if m, ok := members[endpoint(n.Address())]; ok {
			cells = append(cells, describe(m, status.Answers()))
		} else if len(members) > 0 && len(seen) > 0 {
			cells = append(cells, "-")
		}
		if len(seen) > 0 {
			cells = append(cells, unitsFor(seen, n).brief())
		}
		rows.Row(cells...)
	}
	return rows
}

// unitsFor are those of the node; nil if it was not asked for them.
func unitsFor(seen []nodeUnits, node boot.Node) *nodeUnits {
	for i := range seen {
		if seen[i].Node == node.Step.Node.Name {
			return &seen[i]
		}
	}
	return nil
}

// withUndefined are the nodes, and those of the cluster that could not be defined because of err, in their order.
func withUndefined(nodes []boot.Node, cluster []workspace.Node, err error) []boot.Node {
	all := slices.Clone(nodes)
	for _, m := range cluster {
		if !slices.ContainsFunc(nodes, func(n boot.Node) bool { return n.Step.Node.Name == m.Name }) {
			all = append(all, boot.Node{Step: plan.Step{Node: m}, Err: err})
		}
	}
	at := func(n boot.Node) int {
		return slices.IndexFunc(cluster, func(m workspace.Node) bool { return m.Name == n.Step.Node.Name })
	}
	slices.SortFunc(all, func(a, b boot.Node) int { return cmp.Compare(at(a), at(b)) })
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
