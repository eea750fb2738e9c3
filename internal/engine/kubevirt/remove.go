package kubevirt

import (
	"context"
	"fmt"
	"slices"
	"time"

	"coreos-libvirt/internal/engine/kubevirt/objects"
)

// Going are the cluster's objects, in the order in which they are removed.
func (c Cluster) Going(ctx context.Context) (all []objects.Object, err error) {
	for _, kind := range slices.Backward(kinds) {
		some, err := c.List(ctx, kind, c.selector())
		if err != nil {
			return nil, err
		}
		for _, o := range some {
			o["kind"] = kind // which lists leave out
			all = append(all, o)
		}
	}
	return all, nil
}

// Nodes are the names of the nodes that the objects are of.
func Nodes(all []objects.Object) (names []string) {
	for _, o := range all {
		if node := labelsOf(o)[objects.LabelNode]; node != "" && !slices.Contains(names, node) {
			names = append(names, node)
		}
	}
	return names
}

// Remove is the action of all objects of a node that is not wanted any more: its data are lost.
const Remove = "remove"

// Leaving are the steps that remove the nodes, in the order in which their objects go.
func (c Cluster) Leaving(ctx context.Context, nodes []string) (steps []Step, err error) {
	if len(nodes) == 0 {
		return nil, nil
	}
	going, err := c.Going(ctx)
	for _, o := range going {
		if node := labelsOf(o)[objects.LabelNode]; slices.Contains(nodes, node) {
			steps = append(steps, Step{Action: Remove, Kind: o["kind"].(string), Name: nameOf(o), Node: node})
		}
	}
	return steps, err
}

// goingOf are those of a node, or with an empty name all.
func (c Cluster) goingOf(ctx context.Context, node string) ([]objects.Object, error) {
	all, err := c.Going(ctx)
	if node != "" {
		all = slices.DeleteFunc(all, func(o objects.Object) bool { return labelsOf(o)[objects.LabelNode] != node })
	}
	return all, err
}

// RemoveNode removes all objects of the node, and waits until they are gone.
func (c Cluster) RemoveNode(ctx context.Context, node string) error {
	going, err := c.goingOf(ctx, node)
	if err != nil {
		return err
	}
	return c.remove(ctx, going, func(string, string) {}, node)
}

// Remove removes the objects, each only as long as it is the one that was listed, and waits until they are gone: a machine ends
// first. goes is called for each.
func (c Cluster) Remove(ctx context.Context, all []objects.Object, goes func(kind, name string)) error {
	return c.remove(ctx, all, goes, "")
}

// remove is Remove of the objects of a node, or with an empty name of all.
func (c Cluster) remove(ctx context.Context, all []objects.Object, goes func(kind, name string), node string) error {
	for _, o := range all {
		kind, name := o["kind"].(string), nameOf(o)
		uid, _ := metaOf(o)["uid"].(string)
		if err := c.Client.Remove(ctx, kind, name, uid); err != nil {
			return fmt.Errorf("%s %s: %w", kind, name, err)
		}
		goes(kind, name)
	}
	for {
		left, err := c.goingOf(ctx, node)
		if err != nil || len(left) == 0 {
			return err
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// between is how long is waited until what may have changed is asked again.
const between = time.Second

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(between):
		return nil
	}
}
