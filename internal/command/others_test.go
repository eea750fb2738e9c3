//go:build cgo && libvirt_dlopen

package command

import (
	"strings"
	"testing"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/workspace"
)

// at is a node's report from an address.
func at(node workspace.Node, address string) guest.Report {
	return guest.Report{BootID: "x", Interfaces: []guest.Interface{
		{MAC: node.MAC, Addresses: []guest.Address{{Family: "inet", Local: address, Scope: "global"}}},
	}}
}

// TestANewClusterIsFormedOfAllItsNodes: where one fails, its etcd is not waited for. With too few of an old one neither.
func TestANewClusterIsFormedOfAllItsNodes(t *testing.T) {
	inClone(t)
	r := run(t, "nodes=3")
	r.generation.Token = &discovery.Token{Size: 3}
	members := r.members()
	nodes := []boot.Node{
		{Step: plan.Step{Node: members[0]}, Report: at(members[0], "127.0.0.1")},
		{Step: plan.Step{Node: members[1]}, Report: at(members[1], "127.0.0.2")},
		{Step: plan.Step{Node: members[2]}},
	}
	for _, node := range members {
		save(t, node.Fresh(), "")
	}
	if _, err := r.settleOthers(t.Context(), nodes); err == nil || !strings.Contains(err.Error(), "etcd: 2 of the 3 nodes that it is formed of are ready\nhint: ") {
		t.Errorf("got %v", err)
	}
	nodes[1].Report = guest.Report{}
	if _, err := r.settleOthers(t.Context(), nodes); err == nil || !strings.Contains(err.Error(), "etcd: 1 of the 3 nodes") {
		t.Errorf("got %v", err)
	}
	nodes[0].Report = guest.Report{}
	if _, err := r.settleOthers(t.Context(), nodes); err != nil {
		t.Errorf("no node is ready, which is told already: got %v", err)
	}
}
