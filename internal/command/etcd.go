package command

import (
	"context"
	"errors"

	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/terminal/table"
)

// Etcd prints the members of the cluster's etcd, or takes the one out that remove= names.
func Etcd(ctx context.Context, r *Run) (err error) {
	if r.Remove != "" {
		if err := r.lock(ctx, r.Prefix); err != nil {
			return err
		}
	}
	view := r.view()
	if view.Domains, err = r.domains(); err != nil {
		return err
	}
	nodes, err := view.Reached(ctx)
	if err != nil {
		return err
	}
	if r.Remove != "" {
		return view.RemoveStranger(ctx, nodes, r.Remove)
	}
	status, err := view.StatusOf(ctx, nodes)
	if err != nil {
		return err
	}
	if r.Format == "json" {
		err = table.JSON(r.log.Writer(), status.Members)
	} else {
		err = membersTable(status, view.Names(nodes)).Print(r.log.Writer())
	}
	return errors.Join(err, status.Whole(len(nodes)), view.CheckStrangers(nodes, status))
}

// membersTable has a line a member. names are the nodes' names, by their members' endpoints.
func membersTable(status etcd.Status, names map[string]string) *table.Table {
	rows := table.New("NODE", "MEMBER", "ID", "ENDPOINT", "ROLE", "HEALTHY", "VERSION", "DATABASE")
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
		rows.Row(table.Dash(names[m.Endpoint]), table.Dash(m.Name), table.Dash(m.ID), table.Dash(m.Endpoint), table.Dash(role), healthy, table.Dash(m.Version), progress.Bytes(m.DBSize))
	}
	return rows
}
