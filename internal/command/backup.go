package command

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
)

// Backup writes a snapshot of the cluster's etcd to file=, with its digest checked.
func (r *Run) Backup(ctx context.Context) error {
	path, err := r.snapshotFile()
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err == nil {
		return hint.Errorf("move it away", "%s is there already", r.File)
	}
	healthy, err := r.healthyMembers(ctx)
	if err != nil {
		return err
	}
	if err := r.view().Client().Backup(ctx, healthy[0], path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err == nil {
		r.log.Say("backup: %s, %s", r.File, progress.Bytes(info.Size()))
	}
	return err
}

// Restorable makes sure of the snapshot, and tells whether the cluster that it goes into runs.
func (r *Run) Restorable(context.Context) (runs bool, err error) {
	path, err := r.snapshotFile()
	if err != nil {
		return false, err
	}
	if _, err := os.Stat(path); err != nil {
		return false, hint.Errorf("file= names a snapshot that `mage backup` wrote", "cannot restore: %w", err)
	}
	domains, err := r.domains()
	for _, d := range engine.Members(domains, r.Workspace, r.Prefix) {
		runs = runs || d.State == engine.Running
	}
	return runs, err
}

// Restore puts all keys of the snapshot file= into the cluster's etcd, which must have no others. Revisions begin
// anew; leases, users and roles are not restored.
func (r *Run) Restore(ctx context.Context) error {
	path, err := r.snapshotFile()
	if err != nil {
		return err
	}
	healthy, err := r.healthyMembers(ctx)
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

func (r *Run) snapshotFile() (string, error) {
	if strings.TrimSpace(r.File) == "" {
		return "", hint.Errorf("file=core.db", "no file is named for the snapshot")
	}
	return filepath.Abs(r.File)
}

// healthyMembers are client URLs of the cluster's healthy members, at least one.
func (r *Run) healthyMembers(ctx context.Context) ([]string, error) {
	view := r.view()
	nodes, err := view.Reached(ctx)
	if err != nil {
		return nil, err
	}
	status, err := view.StatusOf(ctx, nodes)
	if err != nil {
		return nil, err
	}
	return members.Endpoints(status.Healthy()), status.Check(1)
}
