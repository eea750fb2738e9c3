package command

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/restoration"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/wire"
	"coreos-libvirt/internal/settings/secret"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace"
)

// Restorable makes sure that the snapshot is there, and reports whether the cluster that it goes into runs. None is needed to end a restore
// that was killed.
func Restorable(r *Run) (runs bool, err error) {
	u, err := workspace.UnfinishedOf(r.ws(), r.Prefix)
	begun := u.Target == workspace.TargetRestore
	if err == nil && (!begun || r.File != "") {
		err = isThere(r)
	}
	if err != nil {
		return false, err
	}
	domains, err := r.domains()
	for _, d := range r.ws().Members(domains, r.Prefix) {
		runs = runs || d.State == engine.Running
	}
	if err == nil && begun && !runs {
		err = hint.Errorf(fmt.Sprintf("`%s` boots them, then `%s`", asCalled(r.Settings, "start", "prefix="+r.Prefix), restoreEnds(r)),
			"a restore of the etcd of the cluster %s has not ended, and its nodes do not run", r.Prefix)
	}
	return runs, err
}

// isThere is an error if there is no snapshot file=.
func isThere(r *Run) error {
	path, err := snapshotFile(r.File)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return hint.Errorf("file= names a snapshot that `"+asCalled(r.Settings, "backup", "file=etcd.db")+"` wrote", "cannot restore: %w", err)
	}
	return nil
}

// restoreEnds is the command that ends a restore that was killed.
func restoreEnds(r *Run) string { return asCalled(r.Settings, "restore", "prefix="+r.Prefix) }

// notRestored is an error if a restore of the cluster's etcd has not ended: etcd may be stopped on some of its nodes.
func notRestored(r *Run, cluster string) error {
	u, err := workspace.UnfinishedOf(r.ws(), cluster)
	if err != nil || u.Target != workspace.TargetRestore {
		return err
	}
	return hint.Errorf(fmt.Sprintf("`%s` ends it, or puts back what was there before", asCalled(r.Settings, "restore", "prefix="+cluster)),
		"a restore of the etcd of the cluster %s has not ended: etcd may be stopped on some of its nodes", cluster)
}

// Restore gives the members of the cluster's etcd all that the snapshot file= has: keys with their revisions, leases, users and roles. With
// keys=true the etcd that runs gets its keys, and nothing else. One that was killed is ended before that.
func Restore(ctx context.Context, r *Run) error {
	if err := r.lock(ctx, r.Prefix); err != nil {
		return err
	}
	begun, err := workspace.UnfinishedOf(r.ws(), r.Prefix)
	if err == nil {
		err = rolledBack(r, r.Prefix)
	}
	if err != nil {
		return err
	}
	if r.KeysOnly && begun.Target != workspace.TargetRestore {
		return restoreKeys(ctx, r)
	}
	snapshot, err := snapshotOf(ctx, r)
	if err != nil {
		return err
	}
	c, err := restoring(ctx, r)
	if err == nil && begun.Target == workspace.TargetRestore {
		err = c.Resume(ctx, begun)
	}
	if err != nil || r.File == "" {
		return err
	}
	if r.KeysOnly {
		return restoreKeys(ctx, r)
	}
	return restoreAll(ctx, r, c, snapshot)
}

// snapshotOf is what is in the snapshot file=, of none if there is no file=. If its etcd has users, this run must know one.
func snapshotOf(ctx context.Context, r *Run) (s restoration.Snapshot, err error) {
	if strings.TrimSpace(r.File) == "" {
		return s, nil
	}
	if s.Path, err = snapshotFile(r.File); err != nil {
		return s, err
	}
	if _, err := r.etcd.Build(ctx, r.log.Say); err != nil {
		return s, err
	}
	if s.Snapshot, err = etcd.OpenSnapshot(ctx, r.etcd, s.Path); err != nil {
		return s, err
	}
	user, _, err := secret.User(r.EtcdUser)
	if err == nil && s.Auth && user == "" {
		err = hint.Errorf(wire.UserAdvice, "the etcd of this snapshot has users, and answers to them only: as whom is it asked?")
	}
	return s, err
}

// restoring is the cluster's etcd, with the nodes that it is on. All of them must run, and be reached.
func restoring(ctx context.Context, r *Run) (c restoration.Cluster, err error) {
	c = restoration.Cluster{View: r.view(), Folder: workspace.RestoreFolder(r.ws(), r.Prefix), Back: restoreEnds(r), Note: func(u workspace.Unfinished) error {
		if u.Target == "" {
			return workspace.Finished(r.ws(), r.Prefix)
		}
		return u.Begin(r.ws(), r.Prefix)
	}}
	if c.View.Domains, err = r.domains(); err != nil {
		return c, err
	}
	if c.Nodes, err = c.View.Reached(ctx); err != nil {
		return c, err
	}
	missing := []string{}
	for _, d := range r.ws().Members(c.View.Domains, r.Prefix) {
		if d.Metadata.IsMember() && !slices.ContainsFunc(c.Nodes, func(n boot.Node) bool { return n.Step.Node.Name == d.Name }) {
			missing = append(missing, d.Name)
		}
	}
	if len(missing) > 0 {
		err = hint.Errorf(fmt.Sprintf("`%s` shows how the nodes are; `%s` recreates one that is broken", asCalled(r.Settings, "status", "prefix="+r.Prefix), upAsCalled(r.Settings, "recreate="+missing[0])),
			"a restore needs all nodes, these do not run or cannot be reached: %s", strings.Join(missing, ", "))
	}
	return c, err
}

// restoreAll gives the members all that the snapshot has.
func restoreAll(ctx context.Context, r *Run, c restoration.Cluster, snapshot restoration.Snapshot) error {
	if !r.Force {
		if err := c.Check(ctx, asCalled(r.Settings, "restore", "file="+r.File, "force=true")); err != nil {
			return err
		}
	}
	name, begin := restoration.NameOf(time.Now()), time.Now()
	if err := c.Restore(ctx, snapshot, name); err != nil {
		return err
	}
	r.log.Say("restore: etcd has all of %s on %s: %d keys, revision %d, %d leases, %d users (%s)", r.File, count(len(c.Nodes), "node"), snapshot.Keys, snapshot.Revision, snapshot.Leases, snapshot.Users, progress.Seconds(time.Since(begin)))
	r.log.Say("restore: what the members had is beside the new data, before-%s in their data folders", name)
	return nil
}

// restoreKeys puts all keys of the snapshot file= into the cluster's etcd, which must have no others. Revisions begin
// again; leases, users and roles are not restored.
func restoreKeys(ctx context.Context, r *Run) error {
	path, err := snapshotFile(r.File)
	if err != nil {
		return err
	}
	healthy, err := membersThat(ctx, r, etcd.Status.Healthy)
	if err != nil {
		return err
	}
	restored, err := r.view().Client().Restore(ctx, healthy, path)
	if err != nil {
		return err
	}
	r.log.Say("restore: %d keys of %s", restored.Keys, r.File)
	if restored.Leases+restored.Users > 0 {
		r.log.Say("restore: what had a lease has none now (%d leases), and users are still to be made (%d): a snapshot's keys are restored, nothing else", restored.Leases, restored.Users)
	}
	return nil
}
