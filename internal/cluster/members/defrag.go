package members

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace/wait"
)

// settlePoll is how often a member is looked at until it is well again.
const settlePoll = 500 * time.Millisecond

// Defragment has etcd forget what keys were before, and gives the disks of its members back what their databases do not use: one member
// after the other, the leader last, and only while all are sound. Then it ends the alarms that keep etcd from taking writes, if there is room. That
// is the order of etcd's own instructions (https://etcd.io/docs/v3.6/op-guide/maintenance/#space-quota).
func Defragment(ctx context.Context, v View, nodes []boot.Node) error {
	status, err := v.StatusOf(ctx, nodes)
	if err == nil {
		err = status.CheckSound()
	}
	if err != nil {
		return fmt.Errorf("while a member is not well none is defragmented: %w", err)
	}
	order := slices.SortedStableFunc(slices.Values(status.Members), func(a, b etcd.Member) int { return leadsLast(a) - leadsLast(b) })
	revision, err := etcd.Compact(ctx, v.Client(), Endpoints(order))
	if err != nil {
		return err
	}
	v.Log.Say("etcd: compacted, what keys were before revision %d is forgotten", revision)
	for _, m := range order {
		if err := defragmentOne(ctx, v, nodes, m); err != nil {
			return fmt.Errorf("%s: %w", cmp.Or(m.Name, m.Endpoint), err)
		}
	}
	return disarm(ctx, v, nodes)
}

func leadsLast(m etcd.Member) int {
	if m.IsLeader() {
		return 1
	}
	return 0
}

// defragmentOne defragments a member, and waits until all are sound again.
func defragmentOne(ctx context.Context, v View, nodes []boot.Node, m etcd.Member) error {
	ctx, cancel := context.WithTimeout(ctx, v.Timeout)
	defer cancel()
	if err := etcd.Defragment(ctx, v.Client(), m.Endpoint); err != nil {
		return err
	}
	for {
		status, err := v.StatusOf(ctx, nodes)
		if err == nil {
			err = status.CheckSound()
		}
		at := slices.IndexFunc(status.Members, func(other etcd.Member) bool { return other.ID == m.ID })
		if err == nil && at >= 0 {
			v.Log.Say("%s: defragmented, its database has %s, it had %s", cmp.Or(m.Name, m.Endpoint), progress.Bytes(status.Members[at].DBSize), progress.Bytes(m.DBSize))
			return nil
		}
		if !wait.Sleep(ctx, settlePoll) {
			return fmt.Errorf("etcd is not well after it was defragmented: %w", err)
		}
	}
}

// fullFrom is how many percent of what a database may have make it so full that etcd would raise the alarm again soon.
const fullFrom = 90

// disarm ends the alarms that keep etcd from taking writes, if there is any and all databases have room now.
func disarm(ctx context.Context, v View, nodes []boot.Node) error {
	status, err := v.StatusOf(ctx, nodes)
	if err != nil || !status.IsReadOnly() {
		return err
	}
	for _, m := range status.Members {
		if m.Quota > 0 && m.DBSize > m.Quota/100*fullFrom {
			return hint.Errorf("delete keys that nobody needs, or raise etcd's --quota-backend-bytes in the config; then `mage etcd prefix="+v.Options.Prefix+" defrag=true` again",
				"%s: its database is still full, %s of %s: the alarm NOSPACE stays", m.Name, progress.Bytes(m.DBSize), progress.Bytes(m.Quota))
		}
	}
	if err := etcd.Disarm(ctx, v.Client(), Endpoints(status.Members)); err != nil {
		return err
	}
	v.Log.Say("etcd: the alarm is disarmed, etcd takes writes again")
	return nil
}
