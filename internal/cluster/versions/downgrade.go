package versions

import (
	"context"
	"fmt"

	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/terminal/hint"
)

// Prepare tells the members that they will be replaced by older ones, if they will, and waits until their data are such as those can read.
func Prepare(ctx context.Context, v members.View, c Change) error {
	if !c.Down {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, v.Timeout)
	defer cancel()
	status, err := v.Survey(ctx, false)
	if err == nil {
		err = status.CheckMembers()
	}
	if err == nil {
		v.Log.Say("etcd: goes down to %s: its members change their data", c.To.Line())
		err = etcd.Downgrade(ctx, v.Client(), members.Endpoints(status.Healthy()), c.To.Line())
	}
	if err != nil {
		return hint.Add(fmt.Errorf("etcd does not go down from %s to %s, and no member was replaced: %w", c.From, c.To, err), "`mage etcd` shows the members")
	}
	return nil
}
