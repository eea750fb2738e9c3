package etcd_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/discovery"
)

// alone is a cluster of one member, and a client of it.
func alone(t *testing.T, flags ...string) (url string, client *clientv3.Client) {
	t.Helper()
	url = free()
	peer := free()
	cmd := exec.Command(programs.server, append([]string{
		"--data-dir=" + t.TempDir(), "--listen-client-urls=" + url, "--advertise-client-urls=" + url, "--log-level=error",
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=default=" + peer,
	}, flags...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for !discovery.IsEtcd(t.Context(), url) {
		time.Sleep(100 * time.Millisecond)
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{url}, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return url, client
}

func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	ctx := untilItHangs(t)
	url, client := alone(t)
	for i := range 250 {
		for _, value := range []string{"first", fmt.Sprint("last ", i)} {
			if _, err := client.Put(ctx, fmt.Sprintf("key%03d", i), value); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := client.Delete(ctx, "key007"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "core.db")
	saved, err := programs.helper.Backup(ctx, url, file)
	if err != nil || saved.Keys != 249 || saved.Revision != 502 || saved.Hash == 0 || saved.Size == 0 {
		t.Fatalf("got %+v, %v", saved, err)
	}
	if left, _ := filepath.Glob(file + "?*"); len(left) > 0 {
		t.Errorf("left are %v", left)
	}

	empty, restored := alone(t)
	got, err := programs.helper.Restore(ctx, []string{empty}, file)
	if want := (etcd.Restored{Keys: 249}); err != nil || got != want {
		t.Fatalf("got %+v, %v", got, err)
	}
	answer, err := restored.Get(ctx, "", clientv3.WithPrefix())
	if err != nil || len(answer.Kvs) != 249 {
		t.Fatalf("got %v, %v", answer, err)
	}
	for _, kv := range answer.Kvs {
		var i int
		if _, err := fmt.Sscanf(string(kv.Key), "key%d", &i); err != nil || i == 7 || string(kv.Value) != fmt.Sprint("last ", i) {
			t.Errorf("got %s=%s", kv.Key, kv.Value)
		}
	}

	if _, err := restored.Delete(ctx, "key1", clientv3.WithPrefix()); err != nil { // as if the first run had been interrupted
		t.Fatal(err)
	}
	if again, err := programs.helper.Restore(ctx, []string{empty}, file); err != nil || again != got {
		t.Errorf("again: got %+v, %v", again, err)
	}
	if _, err := restored.Put(ctx, "key007", "somebody else's"); err != nil {
		t.Fatal(err)
	}
	if _, err := programs.helper.Restore(ctx, []string{empty}, file); err == nil || !strings.Contains(err.Error(), "the cluster has 250 keys already") {
		t.Errorf("into one that is not empty: got %v", err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	other, _ := alone(t)
	if _, err := programs.helper.Restore(ctx, []string{other}, file); err == nil || !strings.Contains(err.Error(), "is damaged: its digest does not fit") {
		t.Errorf("a damaged one: got %v", err)
	}
	if err := os.WriteFile(file, []byte("no snapshot"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := programs.helper.Restore(ctx, []string{other}, file); err == nil || !strings.Contains(err.Error(), "is not a snapshot of etcd's") {
		t.Errorf("no snapshot at all: got %v", err)
	}
}

// A file of the name that others can guess, or of the name that is wanted, stays as it is, and so does what it leads to. What a killed
// run left goes.
func TestBackupReplacesNothing(t *testing.T) {
	t.Parallel()
	ctx := untilItHangs(t)
	url, client := alone(t)
	if _, err := client.Put(ctx, "key", "value"); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	file, victim, left := filepath.Join(folder, "core.db"), filepath.Join(t.TempDir(), "victim"), filepath.Join(folder, ".core.db.123.new")
	for _, path := range []string{victim, left} {
		if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-24 * time.Hour)
	if err := errors.Join(os.Symlink(victim, file+".new"), os.Chtimes(left, long, long)); err != nil {
		t.Fatal(err)
	}
	if _, err := programs.helper.Backup(ctx, url, file); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := programs.helper.Backup(ctx, url, file); err == nil || !strings.Contains(err.Error(), file+" is there already") {
		t.Errorf("a second one: got %v", err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v", info, err)
	}
	if after, err := os.ReadFile(file); err != nil || string(after) != string(before) {
		t.Errorf("the snapshot was replaced: %v", err)
	}
	if text, err := os.ReadFile(victim); err != nil || string(text) != "mine" {
		t.Errorf("what the link leads to has %d bytes, %v", len(text), err)
	}
	entries, _ := os.ReadDir(folder)
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{"core.db", "core.db.new"}; !slices.Equal(names, want) {
		t.Errorf("got %q", names)
	}
}

// TestLargeValuesAreRestored has more in one batch of keys than etcd takes at once (1.5 MiB), and what is not a key.
func TestLargeValuesAreRestored(t *testing.T) {
	t.Parallel()
	ctx := untilItHangs(t)
	url, client := alone(t)
	lease, err := client.Grant(ctx, 600)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{"": strings.Repeat("b", 1200<<10)}
	for i := range 60 {
		values[fmt.Sprint(i)] = strings.Repeat("a", 60<<10)
	}
	for name, value := range values {
		if _, err := client.Put(ctx, "key"+name, value, clientv3.WithLease(lease.ID)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.UserAdd(ctx, "root", "secret"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "core.db")
	if _, err := programs.helper.Backup(ctx, url, file); err != nil {
		t.Fatal(err)
	}
	empty, restored := alone(t)
	got, err := programs.helper.Restore(ctx, []string{empty}, file)
	if want := (etcd.Restored{Keys: 61, Leases: 1, Users: 1}); err != nil || got != want {
		t.Fatalf("got %+v, %v", got, err)
	}
	for name, value := range values {
		if answer, err := restored.Get(ctx, "key"+name); err != nil || len(answer.Kvs) != 1 || string(answer.Kvs[0].Value) != value {
			t.Errorf("key%s: got %v", name, err)
		}
	}
}
