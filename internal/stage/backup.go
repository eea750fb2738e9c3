package stage

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"coreos-libvirt/internal/hint"
	"coreos-libvirt/internal/progress"
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
	if err := r.membersHelper().Backup(ctx, healthy[0], path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err == nil {
		r.log.Say("backup: %s, %s", r.File, progress.Bytes(info.Size()))
	}
	return err
}

// Restore puts all keys of the snapshot file= into the cluster's etcd, which must have none: one that was
// just made. Revisions begin anew; leases, users and roles are not restored.
func (r *Run) Restore(ctx context.Context) error {
	path, err := r.snapshotFile()
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return hint.Errorf("file= names a snapshot that `mage backup` wrote", "cannot restore: %w", err)
	}
	healthy, err := r.healthyMembers(ctx)
	if err != nil {
		return err
	}
	keys, err := r.membersHelper().Restore(ctx, healthy, path)
	if err != nil {
		return err
	}
	r.log.Say("restore: %s keys of %s", keys, r.File)
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
	nodes, err := r.reached(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := r.helper().Build(ctx, r.log.Say); err != nil {
		return nil, err
	}
	endpoints, _ := r.endpointsOf(nodes)
	status, err := r.membersHelper().Status(ctx, endpoints, membersPatience)
	if err != nil {
		return nil, err
	}
	return endpointsOfMembers(status.Healthy()), status.Check(1)
}
