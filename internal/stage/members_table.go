package stage

import (
	"context"
	"fmt"
	"text/tabwriter"

	"coreos-libvirt/internal/cluster"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/hint"
	"coreos-libvirt/internal/progress"
)

// reached are the nodes of the cluster prefix= that run, asked where they are.
func (r *Run) reached(ctx context.Context) ([]booted, error) {
	domains, err := r.domains()
	if err != nil {
		return nil, err
	}
	nodes := []booted{}
	for _, d := range cluster.Members(domains, r.Workspace, r.Prefix) {
		if d.State != cluster.Running {
			continue
		}
		report, err := r.whereabouts(ctx, d)
		if err != nil {
			r.log.Say("%s", firstLine(err))
			continue
		}
		nodes = append(nodes, booted{step: cluster.Step{Node: cluster.NodeAt(r.vm(), r.Prefix, d.Metadata.Number)}, report: report})
	}
	if len(nodes) == 0 {
		return nil, hint.Errorf("`mage up` boots them, prefix= names another cluster", "the cluster %s has no node that can be reached", r.Prefix)
	}
	return nodes, nil
}

func (r *Run) printMembers(status etcd.Status, names map[string]string) error {
	table := tabwriter.NewWriter(r.log.Writer(), 0, 8, 3, ' ', 0)
	fmt.Fprintln(table, "NODE\tMEMBER\tID\tENDPOINT\tLEADER\tHEALTHY\tVERSION\tDATABASE")
	for _, m := range status.Members {
		leader, healthy := "", "yes"
		if m.IsLeader() {
			leader = "leader"
		}
		if !m.Healthy {
			healthy = "no: " + m.Error
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", names[m.Endpoint], dash(m.Name), dash(m.ID), m.Endpoint, dash(leader), healthy, dash(m.Version), progress.Bytes(m.DBSize))
	}
	return table.Flush()
}
