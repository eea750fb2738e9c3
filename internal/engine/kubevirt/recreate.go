package kubevirt

import (
	"context"
	"slices"
	"strings"

	"coreos-libvirt/internal/engine/kubevirt/objects"
)

// Recreate is the action of all objects of a node that is made again: its disks are lost.
const Recreate = "recreate"

// Chosen are the nodes that are there and that the word names: all; changed, those whose document or disks would be others now; or
// names with commas.
func Chosen(steps []Step, word string) (nodes []string) {
	names := strings.Split(word, ",")
	for _, s := range steps {
		is := s.Kind == "VirtualMachine" && s.Action != Create && (word == "all" || slices.Contains(names, s.Node)) || word == "changed" && s.Action == Stays
		if is && !slices.Contains(nodes, s.Node) {
			nodes = append(nodes, s.Node)
		}
	}
	return nodes
}

// Again is the plan in which the nodes are made again of what is wanted.
func Again(steps []Step, want []objects.Object, nodes []string) (all []Step) {
	for i, s := range steps { // a step for each object that is wanted
		if slices.Contains(nodes, s.Node) {
			s.Action, s.want = Recreate, want[i]
		}
		all = append(all, s)
	}
	return all
}

// Drawn are the steps, by which objects are made as they are wanted now: their nodes have other documents than when it was planned.
func Drawn(steps []Step, want []objects.Object) (all []Step) {
	for _, s := range steps {
		for _, o := range want {
			if o["kind"] == s.Kind && nameOf(o) == s.Name {
				s.want = o
			}
		}
		all = append(all, s)
	}
	return all
}

// Recreate removes all objects of the node, waits until they are gone, and makes those of the plan.
func (c Cluster) Recreate(ctx context.Context, node string, steps []Step, did func(Step)) error {
	if err := c.RemoveNode(ctx, node); err != nil {
		return err
	}
	own := []Step{}
	for _, s := range steps {
		if s.Node == node {
			s.Action = Create
			own = append(own, s)
		}
	}
	return c.Do(ctx, own, did)
}
