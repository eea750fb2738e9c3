package etcd_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/testkit/pace"
)

// restoredTo is a cluster of three that starts of the snapshot.
func restoredTo(t *testing.T, snapshot string) (c cluster, dirs []etcd.DataDir) {
	t.Helper()
	c.running = make([]*exec.Cmd, 3)
	parent := t.TempDir()
	for i := range 3 {
		c.clients, c.peers, c.folders = append(c.clients, free()), append(c.peers, free()), append(c.folders, filepath.Join(parent, c.name(i)))
		dirs = append(dirs, etcd.DataDir{Name: c.name(i), URLs: []string{c.peers[i]}, Folder: c.folders[i]})
	}
	if err := etcd.MakeDataDirs(untilItHangs(t), programs.helper, snapshot, "restored", dirs); err != nil {
		t.Fatal(err)
	}
	return c, dirs
}

// TestEverythingIsRestored: keys with their revisions, leases, users and roles, in a cluster of other members.
func TestEverythingIsRestored(t *testing.T) {
	t.Parallel()
	ctx := untilItHangs(t)
	before := members(t)
	client := before.client(t, "", "")
	lease, err := client.Grant(ctx, 3600)
	if err != nil {
		t.Fatal(err)
	}
	first, err := client.Put(ctx, "app/key", "first")
	if err != nil {
		t.Fatal(err)
	}
	for _, do := range []func() error{
		func() error { _, err := client.Put(ctx, "app/key", "last"); return err },
		func() error { _, err := client.Put(ctx, "app/leased", "x", clientv3.WithLease(lease.ID)); return err },
		func() error { _, err := client.Put(ctx, "gone", "x"); return err },
		func() error { _, err := client.Delete(ctx, "gone"); return err },
		func() error { _, err := client.Put(ctx, "other", "x"); return err },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	enableUsers(t, client)
	file := filepath.Join(t.TempDir(), "core.db")
	root := as("root", "se:cret")
	saved, err := root.Backup(ctx, before.clients[0], file)
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := etcd.OpenSnapshot(ctx, programs.helper, file); err != nil || opened != saved || saved.Keys != 3 || saved.Revision != first.Header.Revision+5 {
		t.Errorf("got %+v, %v, which was %+v", opened, err, saved)
	}

	after, dirs := restoredTo(t, file)
	for i := range dirs {
		after.start(t, i)
	}
	if status, err := root.WaitHealthy(ctx, after.clients, 3, func(etcd.Status) {}); err != nil || len(status.Peers) != 3 {
		t.Fatalf("got %+v, %v", status, err)
	}
	own := after.client(t, "root", "se:cret")
	got, err := own.Get(ctx, "app/key")
	if err != nil || string(got.Kvs[0].Value) != "last" || got.Kvs[0].CreateRevision != first.Header.Revision || got.Kvs[0].Version != 2 || got.Header.Revision != saved.Revision {
		t.Errorf("a key: got %v, %v", got, err)
	}
	if got, err = own.Get(ctx, "app/key", clientv3.WithRev(first.Header.Revision)); err != nil || string(got.Kvs[0].Value) != "first" {
		t.Errorf("what it was: got %v, %v", got, err)
	}
	if all, err := own.Get(ctx, "", clientv3.WithPrefix()); err != nil || all.Count != 3 {
		t.Errorf("all keys: got %v, %v", all, err)
	}
	if life, err := own.TimeToLive(ctx, lease.ID, clientv3.WithAttachedKeys()); err != nil || life.GrantedTTL != 3600 || len(life.Keys) != 1 || string(life.Keys[0]) != "app/leased" {
		t.Errorf("a lease: got %+v, %v", life, err)
	}
	app := after.client(t, "app", "known")
	if _, err := app.Put(ctx, "app/more", "x"); err != nil {
		t.Errorf("a user: %v", err)
	}
	if _, err := app.Get(ctx, "other"); !errors.Is(err, rpctypes.ErrPermissionDenied) {
		t.Errorf("a role: got %v", err)
	}
	if status, err := programs.helper.Status(ctx, after.clients, pace.Hang); err != nil || !status.Members[0].Refused {
		t.Errorf("nobody: got %+v, %v", status, err)
	}
}

// TestDataFoldersAreAllOrNone: after an error nothing is there that was not before.
func TestDataFoldersAreAllOrNone(t *testing.T) {
	t.Parallel()
	ctx := untilItHangs(t)
	url, client := alone(t)
	if _, err := client.Put(ctx, "key", "value"); err != nil {
		t.Fatal(err)
	}
	file, parent := filepath.Join(t.TempDir(), "core.db"), t.TempDir()
	if _, err := programs.helper.Backup(ctx, url, file); err != nil {
		t.Fatal(err)
	}
	dir := func(name, url string) etcd.DataDir {
		return etcd.DataDir{Name: name, URLs: []string{url}, Folder: filepath.Join(parent, name)}
	}
	damaged := filepath.Join(t.TempDir(), "damaged.db")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(damaged, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(parent, "taken"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(ctx)
	end()
	for _, c := range []struct {
		ctx      context.Context
		snapshot string
		last     etcd.DataDir
		want     string
	}{
		{ctx, damaged, dir("core02", "http://127.0.0.1:2"), "is damaged: its digest does not fit"},
		{ctx, file, dir("taken", "http://127.0.0.1:2"), "taken is there already"},
		{ctx, file, dir("core02", "http://127.0.0.1:2/x"), "a member's peer URL"},
		{ctx, file, dir("core02", "http://127.0.0.1:1"), "core01: "}, // two at one address
		{ctx, filepath.Join(parent, "nowhere.db"), dir("core02", "http://127.0.0.1:2"), "no such file or directory"},
		{ended, file, dir("core02", "http://127.0.0.1:2"), "context canceled"},
	} {
		err := etcd.MakeDataDirs(c.ctx, programs.helper, c.snapshot, "token", []etcd.DataDir{dir("core01", "http://127.0.0.1:1"), c.last})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", c.want, err)
		}
		if entries, _ := os.ReadDir(parent); len(entries) != 1 {
			t.Errorf("%s: left are %v", c.want, entries)
		}
	}
}
