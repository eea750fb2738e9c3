//go:build cgo && libvirt_dlopen

package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/wire"
	"coreos-libvirt/internal/testkit/etcdserver"
	"coreos-libvirt/internal/workspace"
)

// TestARestoreThatWasKilled is said, with the command that ends it, and nothing else changes the cluster before.
func TestARestoreThatWasKilled(t *testing.T) {
	inClone(t)
	mustUp(t)
	begun := workspace.Unfinished{Target: workspace.TargetRestore, Name: "20260101T000000Z", Places: map[string]workspace.EtcdPlace{"core01": {Unit: "etcd.service", Data: "/var/lib/etcd"}}}
	if err := begun.Begin(run(t).ws(), "core"); err != nil {
		t.Fatal(err)
	}
	const begins = "a restore of the etcd of the cluster core has not ended"
	refused(t, begins+": etcd may be stopped on some of its nodes", " restore prefix=core` ends it, or puts back what was there before")
	refuses(t, begins, Snapshot, "name=clean")
	if runs, err := Restorable(run(t)); !runs || err != nil {
		t.Errorf("without a file: got %v, %v", runs, err)
	}
	if _, err := Restorable(run(t, "file=none.db")); err == nil || !strings.Contains(err.Error(), "cannot restore: ") {
		t.Errorf("a file that is not there: got %v", err)
	}
	mustTarget(t, Stop, "prefix=core")
	if _, err := Restorable(run(t)); err == nil || !strings.Contains(calledHere.Replace(err.Error()), begins+", and its nodes do not run\nhint: `mage start prefix=core` boots them, then `mage restore prefix=core`") {
		t.Errorf("nothing runs: got %v", err)
	}
	mustTarget(t, Down, "yes=true")
	if workspace.Exists("vm/unfinished.core") {
		t.Error("after down: it is still noted")
	}
	if _, err := Restorable(run(t)); err == nil || !strings.Contains(err.Error(), "no file is named for the snapshot") {
		t.Errorf("without a file, and nothing has begun: got %v", err)
	}
}

// TestASnapshotIsLookedAtBeforeItIsRestored: nobody could ask an etcd with users whether it is healthy.
func TestASnapshotIsLookedAtBeforeItIsRestored(t *testing.T) {
	inClone(t)
	for _, name := range []string{"internal", "go.mod", "go.sum"} { // the helper's source
		if err := os.Symlink(filepath.Join(moduleRoot, name), name); err != nil {
			t.Fatal(err)
		}
	}
	etcdserver.Start(t, "core01", addressOf(1))
	client := clientOf(t)
	for _, do := range []func() error{
		func() error { _, err := client.UserAdd(t.Context(), "root", "secret"); return err },
		func() error { _, err := client.UserGrantRole(t.Context(), "root", "root"); return err },
		func() error {
			_, err := run(t).etcd.Backup(t.Context(), "http://"+addressOf(1)+":2379", "plain.db")
			return err
		},
		func() error { _, err := client.AuthEnable(t.Context()); return err },
		func() error {
			_, err := run(t, "etcd_user=root:secret").etcd.ToMembers(etcd.Credentials{}).Backup(t.Context(), "http://"+addressOf(1)+":2379", "users.db")
			return err
		},
		func() error { return os.WriteFile("damaged.db", []byte("x"), 0o600) },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	refuses(t, "the etcd of this snapshot has users, and answers to them only: as whom is it asked?\nhint: "+wire.UserAdvice, Restore, "file=users.db")
	refuses(t, "damaged.db is not a snapshot of etcd's", Restore, "file=damaged.db")
	for _, words := range [][]string{{"file=plain.db"}, {"file=users.db", "etcd_user=root:secret"}} {
		refuses(t, "the cluster core has no node that can be reached", Restore, words...)
	}
}
