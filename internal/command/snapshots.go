package command

import (
	"context"
	"slices"
	"strings"
	"time"

	"coreos-libvirt/internal/cluster/moment"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/table"
	"coreos-libvirt/internal/workspace"
)

// Snapshots lists the snapshots of the workspace's clusters, or with remove=true removes the one that name= names.
func Snapshots(ctx context.Context, r *Run) error {
	switch r.Remove {
	case "":
		return listSnapshots(r)
	case settings.RemoveSnapshot:
		return removeSnapshot(ctx, r)
	}
	return hint.Errorf("`"+asCalled(r.Settings, "snapshots", "remove=true")+"`", "remove=%s: of a snapshot it is true, and name= says which", r.Remove)
}

// removeSnapshot removes one of this project's, complete or not.
func removeSnapshot(ctx context.Context, r *Run) error {
	s, err := lockSnapshots(ctx, r, "snapshots")
	if err != nil {
		return err
	}
	u, err := workspace.UnfinishedOf(r.ws(), s.cluster)
	if err != nil {
		return err
	}
	m, err := s.named(r)
	if err != nil && u.Name != r.Name { // else no node has got it
		return err
	}
	if err := moment.Remove(s.on, m); err != nil {
		return err
	}
	if u.Name == r.Name {
		err = workspace.Finished(r.ws(), s.cluster)
	}
	r.log.Say("snapshots: %s is removed", r.Name)
	sayPaused(r, s.nodes)
	return err
}

// sayPaused says which nodes are paused, as a run that has not ended leaves them.
func sayPaused(r *Run, nodes []engine.Domain) {
	paused := slices.DeleteFunc(slices.Clone(nodes), func(d engine.Domain) bool { return d.State != engine.Paused })
	if len(paused) > 0 {
		r.log.Say("%s: paused (hint: `%s` lets them go on)", strings.Join(namesOf(paused), ", "), asCalled(r.Settings, "start", "prefix="+paused[0].Metadata.Cluster))
	}
}

// listSnapshots prints all, of the cluster prefix= or of all clusters.
func listSnapshots(r *Run) error {
	r.onlyLook()
	domains, err := r.domains()
	if err != nil {
		return err
	}
	list, err := able[engine.SnapshotList](r.conn, "snapshots")
	if err != nil {
		return err
	}
	nodes, all := r.ws().Members(domains, chosen(r).prefix), []moment.Snapshot{}
	for _, cluster := range prefixesOf(nodes) {
		of, err := moment.Of(list, cluster, r.ws().Members(nodesByName(nodes), cluster))
		if err != nil {
			return err
		}
		all = append(all, of...)
	}
	return printSnapshots(r, all)
}

func nodesByName(nodes []engine.Domain) map[string]engine.Domain {
	all := map[string]engine.Domain{}
	for _, d := range nodes {
		all[d.Name] = d
	}
	return all
}

func printSnapshots(r *Run, all []moment.Snapshot) error {
	if r.Format == "json" {
		return table.JSON(r.out, all)
	}
	if len(all) == 0 {
		r.log.Say("snapshots: there are none")
		return nil
	}
	rows := table.New("NAME", "CLUSTER", "MADE", "MEMORY", "NODES", "STATE")
	for _, m := range all {
		memory := "no"
		if m.Memory {
			memory = "yes"
		}
		rows.Row(m.Name, m.Cluster, m.Made.Format(time.DateTime), memory, strings.Join(m.Nodes, ", "), m.State())
	}
	return rows.Print(r.log.Writer())
}
