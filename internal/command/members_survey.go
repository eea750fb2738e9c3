package command

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// settleMembers decides, before anything is made, how nodes are added to an etcd that there is, or made anew in it, and
// refuses what would harm it. Where no member comes or goes nobody is asked.
func (r *Run) settleMembers(ctx context.Context, steps []plan.Step) error {
	if err := r.checkUnready(steps); err != nil || r.generation.Token == nil {
		return err
	}
	if !r.changesMembers(steps) {
		r.newCluster = r.generation.Token.Retired // of which nothing is left but disks
		return nil
	}
	status, err := r.cluster().Survey(ctx)
	if err != nil {
		return err
	}
	switch {
	case r.all():
		return r.settleAll(status)
	case status.Answers():
		return r.settleAnswering(status, steps)
	}
	return r.settleSilent(steps)
}

// changesMembers tells whether nodes are added to those that there are, made anew or removed.
func (r *Run) changesMembers(steps []plan.Step) bool {
	if len(engine.Members(r.seen, r.Workspace, r.Prefix)) == 0 {
		return false
	}
	return len(taking(append(steps, r.surplus()...), plan.Create, plan.Recreate, plan.Remove)) > 0
}

// taking are the steps of these actions.
func taking(steps []plan.Step, actions ...plan.Action) (found []plan.Step) {
	for _, step := range steps {
		for _, action := range actions {
			if step.Action == action {
				found = append(found, step)
			}
		}
	}
	return found
}

// neverFormed tells whether the cluster's etcd has surely no data: no run that booted a node came to its end.
func (r *Run) neverFormed() bool {
	for _, d := range engine.Members(r.seen, r.Workspace, r.Prefix) {
		if _, err := os.Stat(r.ws().Node(r.Prefix, d.Metadata.Number).Fresh()); err != nil {
			return false
		}
	}
	return !r.generation.Token.Formed
}

// memberOf is the node's member, by its name or its last address. Where there is none, but members that are
// nobody's, one of them may be it: what is not known is not removed.
func (r *Run) memberOf(peers etcd.Peers, node workspace.Node) (etcd.Peer, bool, error) {
	if peer, ok := peers.Of(node.Name, r.reach().LastAddress(node.Name)); ok {
		return peer, true, nil
	}
	nobodys := []string{}
	for _, peer := range peers.Voters() {
		if !r.isSomebodys(peer) {
			nobodys = append(nobodys, fmt.Sprintf("%s at %s", peer.Name, strings.Join(peer.URLs, ",")))
		}
	}
	if len(nobodys) > 0 {
		return etcd.Peer{}, false, hint.Errorf("start etcd with --name=Node_Name; `mage etcd` shows the members",
			"which of etcd's members is this node's cannot be told: no node is known to be %s", strings.Join(nobodys, ", "))
	}
	return etcd.Peer{}, false, nil
}

// isSomebodys tells whether the member is that of a node of the cluster.
func (r *Run) isSomebodys(peer etcd.Peer) bool {
	names := []string{}
	for _, d := range engine.Members(r.seen, r.Workspace, r.Prefix) {
		names = append(names, d.Name)
	}
	for _, node := range r.members() { // its domain may be gone
		names = append(names, node.Name)
	}
	return slices.ContainsFunc(names, func(name string) bool {
		_, is := (etcd.Peers{peer}).Of(name, r.reach().LastAddress(name))
		return is
	})
}
