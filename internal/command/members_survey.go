package command

import (
	"context"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/workspace"
)

// survey asks the members on the nodes that run, where they were last, how etcd is. If none answers of a cluster that has
// formed, the nodes are asked where they are now.
func (r *Run) survey(ctx context.Context, neverFormed bool) (status etcd.Status, err error) {
	endpoints := []string{}
	for _, d := range engine.Members(r.seen, r.Workspace, r.Prefix) {
		if address := r.reach().LastAddress(d.Name); address != "" && d.State == engine.Running {
			endpoints = append(endpoints, r.clientURL(address))
		}
	}
	if len(endpoints) > 0 {
		if _, err := r.etcd.Build(ctx, r.log.Say); err != nil {
			return status, err
		}
		if status, err = r.membersHelper().Status(ctx, endpoints, membersPatience); err != nil || status.Answers() {
			return status, err
		}
	}
	if neverFormed || !r.Ready {
		return status, nil
	}
	nodes, err := r.reached(ctx)
	if err != nil {
		return status, nil //nolint:nilerr // none can be reached: nobody answers
	}
	if _, err := r.etcd.Build(ctx, r.log.Say); err != nil {
		return status, err
	}
	endpoints, _ = r.endpointsOf(nodes)
	return r.membersHelper().Status(ctx, endpoints, membersPatience)
}

// memberOf is the node's member, by its name or its last address.
func (r *Run) memberOf(peers etcd.Peers, node workspace.Node) (etcd.Peer, bool, error) {
	last := plan.Addresses{}
	for _, d := range engine.Members(r.seen, r.Workspace, r.Prefix) {
		last[d.Name] = r.reach().LastAddress(d.Name)
	}
	for _, node := range append(r.members(), node) { // its domain may be gone
		last[node.Name] = r.reach().LastAddress(node.Name)
	}
	return last.MemberOf(peers, node.Name)
}

// canJoin refuses a node whose config does not have the word by which a member joins.
func (r *Run) canJoin(node workspace.Node) error {
	used, err := r.source.NodeUses(node.Name, discovery.WordFlags)
	if err != nil {
		return err
	}
	return plan.CheckJoins(used)
}
