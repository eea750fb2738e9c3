package command

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"

	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/terminal/progress"
)

// Etcd prints the members of the cluster's etcd.
func (r *Run) Etcd(ctx context.Context) error {
	view := r.view()
	nodes, err := view.Reached(ctx)
	if err != nil {
		return err
	}
	status, err := view.StatusOf(ctx, nodes)
	if err != nil {
		return err
	}
	if r.Format == "json" {
		err = r.printJSON(status.Members)
	} else {
		err = r.printMembers(status, view.Names(nodes))
	}
	return errors.Join(err, status.Whole(len(nodes)))
}

func (r *Run) printMembers(status etcd.Status, names map[string]string) error {
	table := tabwriter.NewWriter(r.log.Writer(), 0, 8, 3, ' ', 0)
	fmt.Fprintln(table, "NODE\tMEMBER\tID\tENDPOINT\tROLE\tHEALTHY\tVERSION\tDATABASE")
	for _, m := range status.Members {
		role, healthy := "voter", "yes"
		switch {
		case m.IsLeader():
			role = "leader"
		case m.Learner:
			role = "learner"
		case m.ID == "":
			role = ""
		}
		if !m.Healthy {
			healthy = "no: " + m.Error
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", dash(names[m.Endpoint]), dash(m.Name), dash(m.ID), dash(m.Endpoint), dash(role), healthy, dash(m.Version), progress.Bytes(m.DBSize))
	}
	return table.Flush()
}
