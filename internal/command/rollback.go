package command

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/cluster/moment"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/wait"
)

// Rollback takes the whole cluster back to the snapshot that name= names. What came later is lost.
func Rollback(ctx context.Context, r *Run) error {
	s, err := lockSnapshots(ctx, r, workspace.TargetRollback)
	if err != nil {
		return err
	}
	m, err := s.named(r)
	if err == nil {
		err = errors.Join(s.allows(r, m), unprotectedRollback(r, s.cluster))
	}
	if err != nil {
		return err
	}
	begin := time.Now()
	on, boots, err := s.rollback(r, m)
	if err != nil {
		return notBack(r, s.cluster, err)
	}
	r.log.Say("rollback: %s are as they were on %s (%s)", strings.Join(m.Nodes, ", "), m.Made.Format(time.DateTime), progress.Seconds(time.Since(begin)))
	return errors.Join(wellAgain(ctx, r, s.cluster, on), bootAgain(ctx, r, s.cluster, boots))
}

// notBack is the error of a rollback. If it has begun and not ended, the next one goes on.
func notBack(r *Run, cluster string, err error) error {
	if rolledBack(r, cluster) == nil {
		return err
	}
	return hint.Errorf("`"+asCalled(r.Settings, workspace.TargetRollback)+"` tries it again",
		"not all nodes are back; they are paused, as they may be of different times, and `up` and `start` refuse this cluster until all are: %w", err)
}

// rollback takes all nodes back, and notes before that it has begun, and after that it has ended.
func (s snapshots) rollback(r *Run, m moment.Snapshot) (on, boots []engine.Domain, err error) {
	begun, err := workspace.UnfinishedOf(r.ws(), s.cluster)
	if err != nil {
		return nil, nil, err
	}
	definitions := moment.Definitions(s.nodes)
	for node, text := range begun.Definitions { // of nodes that may be back already
		if _, is := definitions[node]; is {
			definitions[node] = text
		}
	}
	if err := (workspace.Unfinished{Target: workspace.TargetRollback, Name: m.Name, Definitions: definitions}).Begin(r.ws(), s.cluster); err != nil {
		return nil, nil, err
	}
	return moment.Rollback(s.on, m, s.nodes, definitions, func() error { return workspace.Finished(r.ws(), s.cluster) })
}

// named is this project's snapshot that name= names.
func (s snapshots) named(r *Run) (moment.Snapshot, error) {
	found := moment.Named(s.moments, r.Name)
	for _, m := range found {
		if m.Ours() {
			return m, nil
		}
	}
	if len(found) > 0 {
		return moment.Snapshot{}, hint.Errorf("virsh snapshot-revert, snapshot-delete", "the snapshot %s of %s is somebody else's", r.Name, strings.Join(found[0].Nodes, ", "))
	}
	names := []string{}
	for _, m := range s.moments {
		names = append(names, m.Name)
	}
	if len(names) == 0 {
		return moment.Snapshot{}, hint.Errorf("`"+asCalled(r.Settings, workspace.TargetSnapshot)+"` makes one", "the cluster %s has no snapshots", s.cluster)
	}
	return moment.Snapshot{}, hint.Errorf("snapshots are "+strings.Join(slices.Compact(names), ", "), "the cluster %s has no snapshot %s", s.cluster, r.Name)
}

// allows is an error if the cluster cannot go back to the snapshot.
func (s snapshots) allows(r *Run, m moment.Snapshot) error {
	obstacle := m.Check(s.nodes)
	advice := "`" + asCalled(r.Settings, "snapshots", "remove=true") + "` removes the snapshot"
	switch {
	case obstacle.What == "":
		return nil
	case obstacle.Later:
		advice = fmt.Sprintf("`%s` removes it", asCalled(r.Settings, "up", fmt.Sprintf("nodes=%d", len(m.Nodes))))
	case !obstacle.Incomplete:
		advice = "a node keeps the disks that it had; if the workspace was moved, move it back"
	}
	return hint.Errorf(advice, "the cluster %s cannot go back to the snapshot %s: %s", s.cluster, m.Name, obstacle.What)
}

// unprotectedRollback is an error if the cluster is protected. protect= counts from now on.
func unprotectedRollback(r *Run, cluster string) error {
	if isProtected(r, cluster) {
		return hint.Errorf("`"+asCalled(r.Settings, workspace.TargetRollback, "protect=false")+"` rolls it back all the same",
			"the cluster %s is protected (protect=true), and what came after a snapshot is lost with a rollback", cluster)
	}
	if r.Protect == "" {
		return nil
	}
	return r.ws().Protect(cluster, false)
}

// wellAgain ends what had nodes stand still: their clocks go on from where they stood, and etcd is to be healthy.
func wellAgain(ctx context.Context, r *Run, cluster string, nodes []engine.Domain) error {
	if len(nodes) == 0 {
		return nil
	}
	clocks := errors.Join(wait.AtOnce(len(nodes), func(i int) error {
		off, err := setClock(ctx, r, nodes[i])
		if err == nil {
			r.log.Say("%s: its clock is set, less than %s off", nodes[i].Name, off.Truncate(time.Millisecond)+time.Millisecond)
			return nil
		}
		return hint.Add(fmt.Errorf("%s: its clock is not set: %w", nodes[i].Name, err), fmt.Sprintf("log in and type: sudo date -s @%d", time.Now().Unix()))
	})...)
	return errors.Join(clocks, healthyAgain(ctx, r, cluster))
}

// setClock sets the guest's clock by ssh, as soon as the guest says where it is, and gives how far it is off then, at most.
func setClock(ctx context.Context, r *Run, d engine.Domain) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	access, address, err := r.reach().Way(ctx, d)
	for err != nil && r.Ready && wait.Sleep(ctx, time.Second) { // a guest that has stood still may take a while
		access, address, err = r.reach().Way(ctx, d)
	}
	if err != nil {
		return 0, err
	}
	return moment.SetClock(func(command string) *exec.Cmd { return access.Command(ctx, r.User, d.Name, address, command) })
}

// healthyAgain waits until the cluster's etcd is healthy, if it ever was.
func healthyAgain(ctx context.Context, r *Run, cluster string) error {
	current := generation.Read(r.ws().VM(), cluster)
	if current.Token == nil || !current.Token.Formed || !r.Ready {
		return nil
	}
	begin := time.Now()
	view := viewWith(r, r.generationOptions(), current, nil)
	view.Options.Prefix, view.SSH.Access = cluster, r.access(cluster)
	nodes, err := view.Reached(ctx)
	if err != nil {
		return err
	}
	status, err := members.AwaitHealthy(ctx, view, nodes)
	if err == nil {
		r.log.Say("etcd: healthy, %s (%s)", count(len(status.Healthy()), "member"), progress.Seconds(time.Since(begin)))
	}
	return err
}

// rolledBack is an error if a rollback of the cluster has not ended: its nodes may be of different times, and must not run
// together.
func rolledBack(r *Run, cluster string) error {
	u, err := workspace.UnfinishedOf(r.ws(), cluster)
	if err != nil || u.Target != workspace.TargetRollback {
		return err
	}
	return hint.Errorf(fmt.Sprintf("`%s` ends it; `%s` removes the cluster", asCalled(r.Settings, workspace.TargetRollback, "prefix="+cluster, "name="+u.Name), asCalled(r.Settings, "down", "prefix="+cluster)),
		"a rollback of the cluster %s to %s has not ended: its nodes may be of different times, and etcd does not survive that", cluster, u.Name)
}

// sayUnfinished says that a snapshot of the cluster has not ended, unless all nodes have it. A rollback that has not is an error.
func sayUnfinished(r *Run, cluster string, domains map[string]engine.Domain) error {
	u, err := workspace.UnfinishedOf(r.ws(), cluster)
	if err != nil || u.Target == "" || u.Target == workspace.TargetRestore {
		return err
	}
	if err := rolledBack(r, cluster); err != nil {
		return err
	}
	list, able := engine.As[engine.SnapshotList](r.conn)
	if !able {
		return nil
	}
	all, err := moment.Of(list, cluster, r.ws().Members(domains, cluster))
	if err != nil {
		return err
	}
	what := "no node has it"
	for _, m := range moment.Named(all, u.Name) {
		if m.Ours() && m.Complete() {
			return nil
		}
		what = m.Lacking()
	}
	r.log.Say("the snapshot %s has not ended: %s; nodes may be paused (hint: `%s` removes it)", u.Name, what, asCalled(r.Settings, "snapshots", "prefix="+cluster, "name="+u.Name, "remove=true"))
	return nil
}
