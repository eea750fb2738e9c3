package command

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
)

// Backup writes a snapshot of the cluster's etcd to file=, checked and opened. With keep= the file's name gets the time, and the oldest of
// those go.
func Backup(ctx context.Context, r *Run) error {
	path, err := snapshotFile(r.File)
	if err == nil && r.Keep {
		err = hint.Errorf("keep=7", "keep=true: how many snapshots are kept?")
	}
	if err != nil {
		return err
	}
	pattern := path
	if r.Copies > 0 {
		path = stamped(path, time.Now())
	}
	if _, err := os.Lstat(path); err == nil {
		return hint.Errorf("move it away", "%s is there already", path)
	}
	sound, err := membersThat(ctx, r, etcd.Status.Sound)
	if err != nil {
		return err
	}
	saved, err := r.view().Client().Backup(ctx, sound[0], path)
	if err != nil {
		return err
	}
	r.log.Say("backup: %s, %s: %d keys, revision %d, hash %08x", filepath.Join(filepath.Dir(r.File), filepath.Base(path)), progress.Bytes(saved.Size), saved.Keys, saved.Revision, saved.Hash)
	if r.Copies == 0 {
		return nil
	}
	removed, err := removeOlder(pattern, r.Copies)
	if len(removed) > 0 {
		r.log.Say("backup: keep=%d: removed %s", r.Copies, strings.Join(removed, ", "))
	}
	return err
}

// snapshotFile is the absolute path of file=.
func snapshotFile(file string) (string, error) {
	if strings.TrimSpace(file) == "" {
		return "", hint.Errorf("file=core.db", "no file is named for the snapshot")
	}
	return filepath.Abs(file)
}

// membersThat are client URLs of those of the cluster's members that are so, at least one.
func membersThat(ctx context.Context, r *Run, are func(etcd.Status) []etcd.Member) ([]string, error) {
	view := r.view()
	nodes, err := view.Reached(ctx)
	if err != nil {
		return nil, err
	}
	status, err := view.StatusOf(ctx, nodes)
	if err != nil {
		return nil, err
	}
	if found := are(status); len(found) > 0 {
		return members.Endpoints(found), nil
	}
	return nil, status.Check(1)
}
