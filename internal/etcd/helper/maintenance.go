package helper

import (
	"context"
	"strings"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"coreos-libvirt/internal/etcd/wire"
)

// count is how many keys etcd has, and its revision.
func count(ctx context.Context, client *clientv3.Client, _ none) (any, error) {
	all, err := client.Get(ctx, "\x00", clientv3.WithFromKey(), clientv3.WithCountOnly())
	if err != nil {
		return nil, err
	}
	return wire.Counted{Revision: all.Header.Revision, Keys: all.Count}, nil
}

// compact forgets what keys were before now, and waits until that is done. Where it was done before, nothing is left to do.
func compact(ctx context.Context, client *clientv3.Client, _ none) (any, error) {
	now, err := client.Get(ctx, "compact", clientv3.WithCountOnly())
	if err != nil {
		return nil, err
	}
	revision := now.Header.Revision
	_, err = client.Compact(ctx, revision, clientv3.WithCompactPhysical())
	if err != nil && strings.Contains(err.Error(), "has been compacted") {
		err = nil
	}
	return wire.Revision{Revision: revision}, err
}

// defragment gives the disk back what the member's database does not use. The member answers nobody until that is done.
func defragment(ctx context.Context, client *clientv3.Client, _ none) (any, error) {
	_, err := client.Defragment(ctx, client.Endpoints()[0])
	return nil, err
}

// disarm ends the alarms that databases are full, which etcd raises again when they are, and those of members that are gone.
func disarm(ctx context.Context, client *clientv3.Client, _ none) (any, error) {
	alarms, err := client.AlarmList(ctx)
	if err != nil {
		return nil, err
	}
	peers, err := members(ctx, client)
	if err != nil {
		return nil, err
	}
	for _, a := range alarms.Alarms {
		if a.Alarm == pb.AlarmType_CORRUPT && wire.IsMember(peers, a.MemberID) {
			continue
		}
		if _, err := client.AlarmDisarm(ctx, &clientv3.AlarmMember{MemberID: a.MemberID, Alarm: a.Alarm}); err != nil {
			return nil, err
		}
	}
	return nil, nil
}
