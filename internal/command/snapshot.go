package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"coreos-libvirt/internal/cluster/moment"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/wait"
)

// Snapshot keeps the whole cluster as it is at one moment, under the name name=.
func Snapshot(ctx context.Context, r *Run) error {
	s, err := lockSnapshots(ctx, r, workspace.TargetSnapshot)
	if err != nil {
		return err
	}
	if err := errors.Join(s.free(r), s.fit(ctx, r)); err != nil {
		return err
	}
	running := slices.DeleteFunc(slices.Clone(s.nodes), func(d engine.Domain) bool { return d.State != engine.Running })
	if err := (workspace.Unfinished{Target: workspace.TargetSnapshot, Name: r.Name}).Begin(r.ws(), s.cluster); err != nil {
		return err
	}
	if !r.Memory {
		return snapshotOff(ctx, r, s, running)
	}
	begin := time.Now()
	if err := s.take(ctx, r, nil); err != nil {
		return err
	}
	r.log.Say("snapshot: %s is of %s, paused for %s", r.Name, withMemory(s.nodes, running), progress.Seconds(time.Since(begin)))
	return wellAgain(ctx, r, s.cluster, running)
}

// withMemory are the nodes' names, with those that ran.
func withMemory(nodes, running []engine.Domain) string {
	text := strings.Join(namesOf(nodes), ", ")
	switch len(running) {
	case 0:
		return text + ", which do not run"
	case len(nodes):
		return text + " with memory"
	}
	return text + ", with memory of " + strings.Join(namesOf(running), ", ")
}

// snapshotOff keeps the cluster while no node runs: those that do are shut down, and boot again, whatever comes of it.
func snapshotOff(ctx context.Context, r *Run, s snapshots, running []engine.Domain) error {
	stopped := errors.Join(wait.AtOnce(len(running), func(i int) error { return ofNode(running[i], stop(ctx, r, running[i])) })...)
	off := slices.Clone(s.nodes)
	for i := range off {
		off[i].State = engine.ShutOff
	}
	s.nodes = off
	err := stopped
	if err == nil {
		if err = s.take(ctx, r, namesOf(running)); err == nil {
			r.log.Say("snapshot: %s is of %s, without memory", r.Name, strings.Join(namesOf(s.nodes), ", "))
		}
	} else {
		err = errors.Join(err, workspace.Finished(r.ws(), s.cluster))
	}
	return errors.Join(err, bootAgain(ctx, r, s.cluster, running))
}

// bootAgain boots nodes that have been shut down, and waits until they and their etcd are well.
func bootAgain(ctx context.Context, r *Run, cluster string, nodes []engine.Domain) error {
	err := errors.Join(wait.AtOnce(len(nodes), func(i int) error {
		nodes[i].State = engine.ShutOff
		return ofNode(nodes[i], startAgain(ctx, r, nodes[i]))
	})...)
	if err != nil || len(nodes) == 0 {
		return err
	}
	return healthyAgain(ctx, r, cluster)
}

// ofNode is the error with the node's name.
func ofNode(d engine.Domain, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", d.Name, err)
}

// take makes the snapshot. boots are the nodes that are to be booted after a rollback to it.
func (s snapshots) take(ctx context.Context, r *Run, boots []string) error {
	note := moment.NewNote(s.cluster, s.nodes)
	err := moment.Take(ctx, s.on, r.Name, func(d engine.Domain) moment.Note {
		own := note
		own.Boots = slices.Contains(boots, d.Name)
		return own
	}, s.nodes)
	if ended := ctx.Err(); ended != nil { // what could be taken back has been
		return errors.Join(err, ended)
	}
	if err = errors.Join(err, workspace.Finished(r.ws(), s.cluster)); errors.Is(err, engine.ErrNoMemorySnapshot) {
		err = hint.Add(err, "`"+asCalled(r.Settings, workspace.TargetSnapshot, "memory=off")+"` shuts the nodes down for it, and boots them again")
	}
	return err
}

// free is an error if there is a snapshot of the name.
func (s snapshots) free(r *Run) error {
	for _, m := range moment.Named(s.moments, r.Name) {
		switch remove := asCalled(r.Settings, "snapshots", "remove=true"); {
		case !m.Ours():
			return hint.Errorf("take another name, or remove it: virsh snapshot-delete "+m.Nodes[0]+" "+m.Name, "%s has a snapshot %s that somebody else made", strings.Join(m.Nodes, ", "), m.Name)
		case !m.Complete():
			return hint.Errorf("`"+remove+"` removes it", "the snapshot %s is there, and incomplete: %s", m.Name, m.Lacking())
		default:
			return hint.Errorf("take another name, or `"+remove+"` removes it", "there is a snapshot %s already, of %s", m.Name, m.Made.Format(time.DateTime))
		}
	}
	return nil
}

// fit is an error if a node is neither off nor running, or does not have its own disk.
func (s snapshots) fit(ctx context.Context, r *Run) error {
	return errors.Join(wait.On(engine.HostCount(r.conn), len(s.nodes), func(i int) error {
		d := s.nodes[i]
		if d.State != engine.Running && d.State != engine.ShutOff {
			return hint.Errorf("`"+asCalled(r.Settings, "start", "node="+d.Name)+"` has it run", "%s is %s", d.Name, d.Described())
		}
		disk, err := r.conn.Disks().Look(ctx, r.ws().NodeOf(d.Metadata).Files(), d)
		if err == nil && disk.Instead != "" {
			err = hint.Errorf("virsh blockcommit brings it back, while the node runs", "its domain has the disk %s, not the node's own: somebody else has made a snapshot outside of it", disk.Instead)
		}
		return ofNode(d, err)
	})...)
}

// snapshots are those of one cluster, with what makes them.
type snapshots struct {
	on      moment.Engine
	cluster string
	nodes   []engine.Domain
	moments []moment.Snapshot
}

// lockSnapshots keeps other runs off the one cluster that the target is about, and looks for its snapshots. name= must name one,
// and nothing but target may be unfinished.
func lockSnapshots(ctx context.Context, r *Run, target string) (s snapshots, err error) {
	if r.Name == "" {
		return s, hint.Errorf("`"+asCalled(r.Settings, target, "name=clean")+"`", "%s: name= says which snapshot", target)
	}
	if s.cluster, _, err = oneCluster(r, target); err != nil {
		return s, err
	}
	if err := r.lock(ctx, s.cluster); err != nil {
		return s, err
	}
	if s.cluster, s.nodes, err = oneCluster(r, target); err != nil { // as they are now that nobody else is at them
		return s, err
	}
	if s.on, err = able[moment.Engine](r.conn, "snapshots"); err != nil {
		return s, err
	}
	s.moments, err = moment.Of(s.on, s.cluster, s.nodes)
	if err == nil && target != workspace.TargetRollback {
		err = errors.Join(rolledBack(r, s.cluster), notRestored(r, s.cluster))
	}
	return s, err
}

// oneCluster is the cluster that prefix= names, or the only one, with its nodes.
func oneCluster(r *Run, target string) (cluster string, nodes []engine.Domain, err error) {
	domains, err := r.domains()
	if err != nil {
		return "", nil, err
	}
	nodes = r.ws().Members(domains, chosen(r).prefix)
	if len(nodes) == 0 {
		return "", nil, hint.Errorf("`"+upAsCalled(r.Settings)+"` makes some", "there are no nodes")
	}
	clusters := prefixesOf(nodes)
	if len(clusters) > 1 {
		return "", nil, hint.Errorf("`"+asCalled(r.Settings, target, "prefix="+clusters[0])+"`",
			"this workspace has %d clusters, %s: %s is about one of them", len(clusters), strings.Join(clusters, ", "), target)
	}
	return clusters[0], nodes, nil
}

// prefixesOf are the nodes' clusters, each once, sorted.
func prefixesOf(nodes []engine.Domain) (clusters []string) {
	for _, d := range nodes {
		clusters = append(clusters, d.Metadata.Cluster)
	}
	slices.Sort(clusters)
	return slices.Compact(clusters)
}

func namesOf(nodes []engine.Domain) (all []string) {
	for _, d := range nodes {
		all = append(all, d.Name)
	}
	return all
}

// goingSnapshots says which snapshots go with nodes that are made again or removed.
func goingSnapshots(r *Run, nodes []engine.Domain) (lines []string, err error) {
	list, able := engine.As[engine.SnapshotList](r.conn)
	if !able {
		return nil, nil
	}
	for _, d := range nodes {
		all, err := list.Snapshots(d.Name)
		if err != nil {
			return nil, ofNode(d, err)
		}
		names := []string{}
		for _, s := range all {
			names = append(names, s.Name)
		}
		if slices.Sort(names); len(names) > 0 {
			lines = append(lines, fmt.Sprintf("%s: its snapshots go with it: %s; the cluster cannot be rolled back to them then", d.Name, strings.Join(names, ", ")))
		}
	}
	return lines, nil
}
