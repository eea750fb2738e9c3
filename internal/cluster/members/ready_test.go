package members

import (
	"strings"
	"testing"

	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/guest"
)

// TestANewClusterIsFormedOfAllItsNodes: if one fails, its etcd is not waited for. With too few of an old one neither.
func TestANewClusterIsFormedOfAllItsNodes(t *testing.T) {
	b := newBed(t, 3)
	b.Generation.Token = &discovery.Token{Size: 3}
	nodes := b.nodes(3)
	nodes[2].Report = guest.Report{}
	for _, node := range b.Options.Nodes {
		save(t, node.Fresh(), "")
	}
	if _, err := b.ReconcileReady(t.Context(), nodes); err == nil || !strings.Contains(err.Error(), "etcd: 2 of the 3 nodes that it is formed of are ready\nhint: ") {
		t.Errorf("got %v", err)
	}
	nodes[1].Report = guest.Report{}
	if _, err := b.ReconcileReady(t.Context(), nodes); err == nil || !strings.Contains(err.Error(), "etcd: 1 of the 3 nodes") {
		t.Errorf("got %v", err)
	}
	nodes[0].Report = guest.Report{}
	if _, err := b.ReconcileReady(t.Context(), nodes); err != nil {
		t.Errorf("no node is ready, which is told already: got %v", err)
	}
}
