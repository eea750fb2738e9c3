package etcd_test

import (
	"strconv"
	"strings"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/testkit/pace"
)

// raise raises an alarm for the member of that id, as etcd does.
func raise(t *testing.T, client *clientv3.Client, id string, alarm pb.AlarmType) {
	t.Helper()
	member, err := strconv.ParseUint(id, 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	request := &pb.AlarmRequest{Action: pb.AlarmRequest_ACTIVATE, MemberID: member, Alarm: alarm}
	if _, err := pb.NewMaintenanceClient(client.ActiveConnection()).Alarm(t.Context(), request); err != nil {
		t.Fatal(err)
	}
}

// TestAlarms say what is wrong with which member, and what helps. Only those are disarmed that say nothing of anybody's data.
func TestAlarms(t *testing.T) {
	t.Parallel()
	ctx := untilItHangs(t)
	c := members(t)
	client := c.client(t, "", "")
	before, err := programs.helper.Status(ctx, c.clients, pace.Hang)
	if err != nil {
		t.Fatal(err)
	}
	raise(t, client, before.Members[1].ID, pb.AlarmType_CORRUPT)
	status, err := programs.helper.Status(ctx, c.clients, pace.Hang)
	if err != nil || len(status.Healthy()) != 2 || status.IsReadOnly() || status.Members[1].Alarms != "CORRUPT" || status.Members[1].Error != "its data are not those of the others (alarm CORRUPT)" {
		t.Errorf("corrupt: got %+v, %v", status, err)
	}
	if err := status.CheckAlarms(); err == nil || !strings.Contains(err.Error(), "\nhint: if its node is core02, `mage up recreate=core02` gives the member the others' data") {
		t.Errorf("corrupt: got %v", err)
	}
	if err := status.CheckMembers(before.Members[1].ID); err != nil {
		t.Errorf("it can be replaced: got %v", err)
	}
	if seen := programs.helper.Glance(ctx, c.clients); len(seen.Healthy()) != 2 || seen.Members[1].Alarms != "CORRUPT" || seen.Members[1].Error != status.Members[1].Error {
		t.Errorf("corrupt, at a glance: got %+v", seen)
	}
	raise(t, client, before.Members[0].ID, pb.AlarmType_NOSPACE)
	if err := etcd.Disarm(ctx, programs.helper, c.clients); err != nil {
		t.Fatal(err)
	}
	if status, err = programs.helper.Status(ctx, c.clients, pace.Hang); err != nil || len(status.Healthy()) != 2 || status.Members[1].Alarms != "CORRUPT" {
		t.Errorf("disarmed: got %+v, %v", status, err)
	}
	status = etcd.Status{}

	// of a member that is no more
	rest := []string{c.clients[0], c.clients[2]}
	if err := programs.helper.Remove(ctx, rest, before.Members[1].ID); err != nil {
		t.Fatal(err)
	}
	for len(status.Sound()) != 2 && ctx.Err() == nil { // another one may have to lead
		status, err = programs.helper.Status(ctx, rest, pace.Hang)
	}
	if err != nil || !status.IsReadOnly() || status.Members[0].Error != "etcd takes no writes: the alarm CORRUPT of a member that is gone has not been disarmed" {
		t.Errorf("gone: got %+v, %v", status, err)
	}
	if err := etcd.Disarm(ctx, programs.helper, rest); err != nil {
		t.Fatal(err)
	}
	if status, err = programs.helper.Status(ctx, rest, pace.Hang); err != nil || status.Whole(2) != nil {
		t.Errorf("gone, disarmed: got %+v, %v", status, err)
	}
}
