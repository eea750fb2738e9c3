package members

import (
	"context"
	"errors"
	"os"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/members/voters"
	"coreos-libvirt/internal/cluster/timeline"
	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
)

// place is where a node joins the cluster, and what it then boots with.
type place struct {
	address, peerURL string
	flags            string // etcd's, by which it joins
	doc              config.Document
}

// placeAmong is the node's place among the members. name is what its own member is called.
func (c Cluster) placeAmong(peers etcd.Peers, node workspace.Node, name, address string) (p place, err error) {
	p.address = address
	if p.peerURL, err = peers.URLAt(address); err != nil {
		return p, err
	}
	initial, err := peers.InitialCluster(name, p.peerURL)
	if err != nil {
		return p, err
	}
	p.flags = discovery.Joining(initial)
	p.doc, err = c.Documents.joining(node, p.flags)
	return p, err
}

// write writes by what flags the node joins, and its document with them.
func (p place) write(to Documents, node workspace.Node) error {
	if err := os.MkdirAll(node.Dir, 0o755); err != nil {
		return err
	}
	if err := artifact.Write(node.EtcdFlags(), []byte(p.flags), 0o600); err != nil {
		return err
	}
	return to.Write(p.doc)
}

// join recreates the node as a member of the cluster that there is, at the address that it had before: etcd wants to know
// the address before the member starts. If that fails the cluster is as it was.
func (c Cluster) join(ctx context.Context, node boot.Node, p place, by voters.Voters) (boot.Node, error) {
	peers, err := by.ClearLearners(ctx)
	if err != nil {
		return node, err
	}
	if peer, _ := peers.At(p.address); peer.Name != "" { // it has started, at the last moment
		return node, c.promote(ctx, node, by, p.address)
	}
	c.Times.Reach(node.Step.Node.Name, timeline.Joins)
	c.Log.Say("%s: joins etcd as a learner", node.Step.Node.Name)
	if err := by.Client.Add(ctx, by.Endpoints, p.peerURL); err != nil {
		return node, err
	}
	if node, err = c.recreateAt(ctx, node, p); err == nil {
		err = c.promote(ctx, node, by, p.address)
	}
	if err != nil {
		err = by.TakeOut(p.address, err)
	}
	return node, err
}

// recreateAt recreates the node with the document of its place.
func (c Cluster) recreateAt(ctx context.Context, node boot.Node, p place) (boot.Node, error) {
	err := p.write(c.Documents, node.Step.Node)
	if err == nil {
		node, err = c.recreateAndBoot(ctx, node)
	}
	if err != nil {
		return node, err
	}
	if now := node.Address(); now != p.address {
		return node, hint.Errorf("a reservation at the DHCP server keeps a node's address", "it had the address %s and has %s now", p.address, now)
	}
	return node, c.certify(ctx, node)
}

// recreateAndBoot recreates the node and boots it. From then on ssh believes its new host keys.
func (c Cluster) recreateAndBoot(ctx context.Context, node boot.Node) (boot.Node, error) {
	var err error
	if node.Step, err = c.Nodes.Recreate(ctx, node.Step); err != nil {
		return node, err
	}
	node = c.Nodes.Boot(ctx, node.Step)
	if reports := boot.Reports([]boot.Node{node}); len(reports) > 0 {
		err = c.SSH.Access.Trust(reports)
	}
	return node, errors.Join(node.Err, err)
}
