package command

import (
	"context"
	"slices"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/terminal/table"
	"coreos-libvirt/internal/workspace/wait"
)

// reached are the nodes of the cluster prefix= that run, asked where they are.
func (r *Run) reached(ctx context.Context) ([]boot.Node, error) {
	domains, err := r.domains()
	if err != nil {
		return nil, err
	}
	running := slices.DeleteFunc(engine.Members(domains, r.Workspace, r.Prefix), func(d engine.Domain) bool { return d.State != engine.Running })
	asked := make([]boot.Node, len(running))
	errs := wait.Each(len(running), func(i int) error {
		report, err := r.reach().Whereabouts(ctx, running[i])
		asked[i] = boot.Node{Step: plan.Step{Node: r.ws().Node(r.Prefix, running[i].Metadata.Number)}, Report: report}
		return err
	})
	nodes := []boot.Node{}
	for i, err := range errs {
		if err != nil {
			r.log.Say("%s", hint.FirstLine(err))
			continue
		}
		nodes = append(nodes, asked[i])
	}
	if len(nodes) == 0 {
		return nil, hint.Errorf("`mage up` boots them, prefix= names another cluster", "the cluster %s has no node that can be reached", r.Prefix)
	}
	return nodes, nil
}

func (r *Run) printMembers(status etcd.Status, names map[string]string) error {
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
	return rows.Print(r.log.Writer())
}
