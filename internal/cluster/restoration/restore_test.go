package restoration

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/workspace"
)

// inTurn does one thing after the other.
func inTurn(t *testing.T, all ...func() error) {
	t.Helper()
	for _, do := range all {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestEverythingComesBack on members that run: keys with their revisions, leases, users and roles. What they had is kept beside it.
func TestEverythingComesBack(t *testing.T) {
	b := live(t, false)
	ctx, client := b.nodes.Within(), b.nodes.Client("", "", 1)
	put := func(key, value string, o ...clientv3.OpOption) func() error {
		return func() error { _, err := client.Put(ctx, key, value, o...); return err }
	}
	lease, err := client.Grant(ctx, 3600)
	if err != nil {
		t.Fatal(err)
	}
	first, err := client.Put(ctx, "app/key", "first")
	if err != nil {
		t.Fatal(err)
	}
	inTurn(t, put("app/key", "last"), put("app/leased", "x", clientv3.WithLease(lease.ID)), put("other", "x"),
		func() error { _, err := client.RoleAdd(ctx, "apps"); return err },
		func() error {
			_, err := client.RoleGrantPermission(ctx, "apps", "app/", clientv3.GetPrefixRangeEnd("app/"), clientv3.PermissionType(clientv3.PermReadWrite))
			return err
		},
		func() error { _, err := client.UserAdd(ctx, "app", "known"); return err },
		func() error { _, err := client.UserGrantRole(ctx, "app", "apps"); return err },
		func() error { _, err := client.UserAdd(ctx, "root", "secret"); return err },
		func() error { _, err := client.UserGrantRole(ctx, "root", "root"); return err },
		func() error { _, err := client.AuthEnable(ctx); return err },
	)
	b.View.Options.Helper = b.View.Options.Helper.As(func() (string, string, error) { return "root", "secret", nil })
	saved := b.backup()
	if saved.Keys != 3 || saved.Leases != 1 || saved.Users != 2 || !saved.Auth {
		t.Errorf("the snapshot has %+v", saved.Snapshot)
	}
	root := b.nodes.Client("root", "secret", 1)
	inTurn(t, func() error { _, err := root.Put(ctx, "app/key", "too late"); return err }, func() error { _, err := root.Delete(ctx, "other"); return err },
		func() error { _, err := root.Revoke(ctx, lease.ID); return err }, func() error { _, err := root.UserDelete(ctx, "app"); return err })

	if err := b.Check(ctx, "mage restore force=true"); err == nil || err.Error() != "etcd of the cluster core has 1 keys, which a restore replaces\nhint: `mage restore force=true` replaces them; what the members have now is kept beside it" {
		t.Errorf("it has keys: got %v", err)
	}
	if err := b.Restore(ctx, saved, "20261127T220000Z"); err != nil {
		t.Fatalf("got %v\n%s", err, b.nodes.Said)
	}
	own := b.nodes.Client("root", "secret", 1)
	got, err := own.Get(ctx, "app/key")
	if err != nil || string(got.Kvs[0].Value) != "last" || got.Kvs[0].CreateRevision != first.Header.Revision || got.Kvs[0].Version != 2 || got.Header.Revision != saved.Revision {
		t.Errorf("a key: got %v, %v", got, err)
	}
	if got, err = own.Get(ctx, "app/key", clientv3.WithRev(first.Header.Revision)); err != nil || string(got.Kvs[0].Value) != "first" {
		t.Errorf("what it was: got %v, %v", got, err)
	}
	if life, err := own.TimeToLive(ctx, lease.ID, clientv3.WithAttachedKeys()); err != nil || life.GrantedTTL != 3600 || len(life.Keys) != 1 {
		t.Errorf("a lease: got %+v, %v", life, err)
	}
	app := b.nodes.Client("app", "known", 1)
	if _, err := app.Get(ctx, "other"); !errors.Is(err, rpctypes.ErrPermissionDenied) {
		t.Errorf("a role: got %v", err)
	}
	if _, err := app.Put(ctx, "app/more", "x"); err != nil {
		t.Errorf("a user: %v", err)
	}
	for i := range b.Nodes {
		if names := b.names(i); i != 1 && !slices.Equal(names, []string{"before-20261127T220000Z", "member"}) {
			t.Errorf("core0%d has %v", i+1, names)
		}
	}
	if b.noted.Target != "" || workspace.Exists(b.Folder) {
		t.Errorf("left are %+v, and the folder: %v", b.noted, workspace.Exists(b.Folder))
	}
}

// asBefore is a test's part in which nothing may have changed: the key has its value, all members are healthy, and only they are there.
func (b *bed) asBefore(t *testing.T, what, value string) {
	t.Helper()
	status, err := b.View.StatusOf(b.nodes.Within(), b.Nodes)
	if err != nil || status.Whole(3) != nil {
		t.Errorf("%s: etcd is not well: %v, %+v", what, err, status)
	}
	got, err := b.nodes.Client("", "", 1).Get(b.nodes.Within(), "key")
	if err != nil || len(got.Kvs) != 1 || string(got.Kvs[0].Value) != value {
		t.Errorf("%s: got %v, %v", what, got, err)
	}
	for i := range b.Nodes {
		if names := b.names(i); slices.ContainsFunc(names, func(name string) bool {
			return strings.HasPrefix(name, "restored") || strings.HasPrefix(name, "before")
		}) || !slices.Contains(names, "member") {
			t.Errorf("%s: core0%d has %v", what, i+1, names)
		}
	}
	if b.noted.Target != "" {
		t.Errorf("%s: a restore has not ended: %+v", what, b.noted)
	}
	if _, err := os.Stat(b.Folder); err == nil {
		t.Errorf("%s: %s is left", what, b.Folder)
	}
}

// TestRestoreIsForAllOrForNobody: whatever fails on one node, all have what they had, or the error says who does not, and the next run ends that.
func TestRestoreIsForAllOrForNobody(t *testing.T) {
	b := live(t, true)
	ctx, client := b.nodes.Within(), b.nodes.Client("", "", 1)
	put := func(value string) func() error {
		return func() error { _, err := client.Put(ctx, "key", value); return err }
	}
	inTurn(t, put("saved"))
	saved := b.backup()
	inTurn(t, put("now"))
	fails := func(what string, wants ...string) {
		t.Helper()
		err := b.Restore(ctx, saved, NameOf(timeOf(what)))
		for _, want := range wants {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v", what, err)
			}
		}
	}

	fails("no room", "nothing was restored, etcd is as it was: core02: the new data cannot be brought to it: /var/lib/etcd has room for ", " KiB, and the data that are restored need ")
	b.asBefore(t, "no room", "now")
	inTurn(t, func() error { return b.makeRoom(1) })

	b.cut("core03", "look")
	fails("no answer", "core03: it cannot be seen how its etcd runs: ")
	b.asBefore(t, "no answer", "now")
	b.cut("core03", "")
	timeout := b.View.Timeout
	b.View.Timeout = time.Millisecond
	fails("too slow", "it cannot be seen how its etcd runs: ssh to the node: it took longer than timeout=1ms\nhint: the same command with timeout=2ms gives it longer")
	b.View.Timeout = timeout
	b.asBefore(t, "too slow", "now")

	b.cut("core03", "bring")
	fails("cut off while it gets the data", "nothing was restored, etcd is as it was: core03: the new data cannot be brought to it: ")
	b.cut("core03", "")
	b.asBefore(t, "cut off while it gets the data", "now")

	b.cut("core03", "swap") // the first two have their new data by then
	fails("cut off", "the restore failed, and all members have the data again that they had, and etcd is healthy: core03: the new data cannot be put in place: ")
	b.cut("core03", "")
	b.asBefore(t, "cut off", "now")

	b.nodes.Save(b.nodes.In(3, "broken"), "", 0o600)
	fails("does not start", "core03: its etcd cannot be started: etcd.service: fails", "core03: what was there before cannot be put back: etcd.service: fails", "\nhint: `mage restore prefix=core` tries it again, nothing is lost")
	if b.noted.Target != workspace.TargetRestore || !strings.HasPrefix(b.noted.Places["core03"].Data, "/var/lib/etcd") {
		t.Errorf("does not start: noted is %+v", b.noted)
	}
	inTurn(t, func() error { return os.Remove(b.nodes.In(3, "broken")) }, func() error { return b.Resume(ctx, b.noted) }, b.nodes.Healthy)
	b.asBefore(t, "does not start", "now")

	b.ends(t, saved)
}

// ends kills runs at their worst moments.
func (b *bed) ends(t *testing.T, saved Snapshot) {
	t.Helper()
	ctx, end := context.WithCancel(b.nodes.Within())
	defer end()
	b.mu.Lock()
	b.onSwap = end // as if it was killed then
	b.mu.Unlock()
	err := b.Restore(ctx, saved, NameOf(timeOf("killed")))
	if err == nil || !strings.Contains(err.Error(), "etcd may be stopped") || !strings.Contains(err.Error(), "\nhint: `mage restore prefix=core` puts back what was there before") || b.noted.Target == "" {
		t.Errorf("killed: got %v, noted is %+v", err, b.noted)
	}
	b.mu.Lock()
	b.onSwap = nil
	b.mu.Unlock()
	b.cut("core02", "all")
	if err := b.Resume(b.nodes.Within(), b.noted); err == nil || !strings.Contains(err.Error(), "core02: what was there before cannot be put back: ") || b.noted.Target == "" {
		t.Errorf("killed, and one does not answer: got %v, noted is %+v", err, b.noted)
	}
	nodes := b.Nodes
	b.Nodes = nodes[:2]
	if err := b.Resume(b.nodes.Within(), b.noted); err == nil || !strings.HasPrefix(err.Error(), "core03: it cannot be reached, and a restore of its etcd has not ended\nhint: ") {
		t.Errorf("killed, and one is gone: got %v", err)
	}
	b.Nodes = nodes
	b.cut("core02", "")
	inTurn(t, func() error { return b.Resume(b.nodes.Within(), b.noted) }, b.nodes.Healthy)
	b.asBefore(t, "killed", "now")

	was := workspace.Unfinished{}
	note := b.Note
	b.Note = func(u workspace.Unfinished) error {
		if u.Starts {
			was = u
			b.systemctl(2, "stop")
		}
		return note(u)
	}
	inTurn(t, func() error { return b.Restore(b.nodes.Within(), saved, NameOf(timeOf("whole"))) })
	b.Note, b.noted = note, was // as if it was killed when it had started them
	b.systemctl(0, "stop")
	inTurn(t, func() error { return b.Resume(b.nodes.Within(), was) })
	got, err := b.nodes.Client("", "", 1).Get(b.nodes.Within(), "key")
	if err != nil || string(got.Kvs[0].Value) != "saved" || b.noted.Target != "" || !strings.Contains(b.nodes.Said.String(), "restore: the one that was killed is whole, etcd is healthy on 3 nodes") {
		t.Errorf("killed in the end: got %v, %v, noted is %+v\n%s", got, err, b.noted, b.nodes.Said)
	}
	if err := b.Check(b.nodes.Within(), "mage restore force=true"); err == nil || !strings.Contains(err.Error(), "has 1 keys") {
		t.Errorf("got %v", err)
	}
	for i := range 3 {
		b.systemctl(i, "stop")
	}
	if err := b.Check(b.nodes.Within(), "mage restore force=true"); err == nil || !strings.Contains(err.Error(), "etcd does not say whether it has keys: ") || !strings.Contains(err.Error(), "\nhint: `mage restore force=true` restores all the same") {
		t.Errorf("stopped: got %v", err)
	}
	if err := b.Restore(b.nodes.Within(), saved, NameOf(timeOf("dead"))); err != nil { // nobody says who the members are
		t.Errorf("stopped: got %v\n%s", err, b.nodes.Said)
	}
	if status, err := b.View.StatusOf(b.nodes.Within(), b.Nodes); err != nil || status.Whole(3) != nil || !slices.ContainsFunc(status.Peers, func(p etcd.Peer) bool { return p.Name == "core03" }) {
		t.Errorf("stopped: got %+v, %v", status, err)
	}
}
