package restoration

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// Resume ends what a run has begun that was killed: if all members had their new data and become healthy, the restore is whole; else
// all get back what they had.
func (c Cluster) Resume(ctx context.Context, u workspace.Unfinished) error {
	for name := range maps.Keys(u.Places) {
		if !slices.ContainsFunc(c.Nodes, func(n boot.Node) bool { return n.Step.Node.Name == name }) {
			return hint.Errorf("if the node is gone for good, remove vm/unfinished."+c.View.Options.Prefix+"; what its etcd had is then lost",
				"%s: it cannot be reached, and a restore of its etcd has not ended", name)
		}
	}
	c.Nodes = slices.DeleteFunc(slices.Clone(c.Nodes), func(n boot.Node) bool { return u.Places[n.Step.Node.Name].Unit == "" })
	if u.Starts && c.started(ctx, u) {
		c.View.Log.Say("restore: the one that was killed is whole, etcd is healthy on %d nodes", len(c.Nodes))
		return c.Note(workspace.Unfinished{})
	}
	if err := c.putBack(ctx, u, "keep"); err != nil {
		return c.stuck(fmt.Errorf("the restore that was killed: %w", err))
	}
	c.View.Log.Say("restore: one was killed before it ended; all members have the data again that they had before it")
	return nil
}

// started reports whether all members become healthy with the data that they have.
func (c Cluster) started(ctx context.Context, u workspace.Unfinished) bool {
	err := c.each(ctx, u, "start")
	if err == nil {
		_, err = members.AwaitHealthy(ctx, c.View, c.Nodes)
	}
	if err != nil {
		c.View.Log.Say("restore: the new data are not in use: %s", hint.FirstLine(err))
	}
	return err == nil
}
