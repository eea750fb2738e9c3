//go:build cgo && libvirt_dlopen

package command

import (
	"strings"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"coreos-libvirt/internal/etcd/wire"
)

// clientOf is a client of the etcd where the first node would be.
func clientOf(t *testing.T) *clientv3.Client {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{"http://" + addressOf(1) + ":2379"}, DialTimeout: time.Minute, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// TestStatusShowsAlarms with their remedy, and its exit status says so.
func TestStatusShowsAlarms(t *testing.T) {
	livingCluster(t, "core01")
	client := clientOf(t)
	said, err := client.Status(t.Context(), "http://"+addressOf(1)+":2379")
	if err != nil {
		t.Fatal(err)
	}
	raise := &pb.AlarmRequest{Action: pb.AlarmRequest_ACTIVATE, MemberID: said.Header.MemberId, Alarm: pb.AlarmType_NOSPACE}
	if _, err := pb.NewMaintenanceClient(client.ActiveConnection()).Alarm(t.Context(), raise); err != nil {
		t.Fatal(err)
	}
	r := run(t)
	want := "etcd has raised an alarm\n    http://" + addressOf(1) + ":2379: its database is full (alarm NOSPACE)\nhint: `mage etcd defrag=true` compacts"
	if err := Status(t.Context(), r); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(r.said(), "core01") {
		t.Errorf("got %v\n%s", err, r.said())
	}
	refused(t, "its database is full (alarm NOSPACE)", "`mage etcd defrag=true` compacts", "nodes=2")
}

// TestNothingIsDoneWithoutTheUserThatEtcdWants, and the error says who that is. With the user all is as it was.
func TestNothingIsDoneWithoutTheUserThatEtcdWants(t *testing.T) {
	livingCluster(t, "core01")
	client := clientOf(t)
	for _, do := range []func() error{
		func() error { _, err := client.UserAdd(t.Context(), "root", "secret"); return err },
		func() error { _, err := client.UserGrantRole(t.Context(), "root", "root"); return err },
		func() error { _, err := client.AuthEnable(t.Context()); return err },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, wire.WantsUser+": it does nothing for others", wire.UserAdvice, "nodes=2")
	refused(t, `etcd refused Authenticate to the user "root"`, wire.UserAdvice, "nodes=2", "etcd_user=root:guessed")
	r := run(t)
	if err := Status(t.Context(), r); err != nil || !strings.Contains(r.said(), "core01") {
		t.Errorf("status: got %v\n%s", err, r.said())
	}
	t.Setenv("COREOS_ETCD_USER", "root:secret")
	if _, err := definedRun(t, "nodes=2"); err != nil {
		t.Error(err)
	}
}

// TestWhatKeepIsOf is no number for ci, and one for backup.
func TestWhatKeepIsOf(t *testing.T) {
	inClone(t)
	if err := Backup(t.Context(), run(t, "file=core.db", "keep=true")); err == nil || err.Error() != "keep=true: how many snapshots are kept?\nhint: keep=7" {
		t.Errorf("backup: got %v", err)
	}
	if err := CI(t.Context(), run(t, "keep=7")); err == nil || err.Error() != "keep=7: a number is of snapshots, which ci does not make\nhint: keep=true" {
		t.Errorf("ci: got %v", err)
	}
}
