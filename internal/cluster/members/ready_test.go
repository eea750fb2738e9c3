package members

import (
	"strings"
	"testing"

	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/guest"
)

// TestANewClusterIsFormedOfAllItsNodes: if one fails, its etcd is not waited for. With too few of an old one neither.
func TestANewClusterIsFormedOfAllItsNodes(t *testing.T) {
	t.Parallel()
	b := newBed(t, 3)
	b.Generation.Token = &discovery.Token{Size: 3}
	nodes := b.nodes(3)
	nodes[2].Report = guest.Report{}
	for _, node := range b.Options.Nodes {
		save(t, node.Fresh(), "")
	}
	if _, err := b.ReconcileReady(t.Context(), nodes); err == nil || !strings.Contains(err.Error(), "etcd cannot start yet: too few of its nodes are ready, 2 of 3\nhint: ") {
		t.Errorf("got %v", err)
	}
	nodes[1].Report = guest.Report{}
	if _, err := b.ReconcileReady(t.Context(), nodes); err == nil || !strings.Contains(err.Error(), "too few of its nodes are ready, 1 of 3") {
		t.Errorf("got %v", err)
	}
	nodes[0].Report = guest.Report{}
	if _, err := b.ReconcileReady(t.Context(), nodes); err != nil {
		t.Errorf("no node is ready, which is told already: got %v", err)
	}
}
