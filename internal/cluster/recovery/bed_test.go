package recovery

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"coreos-libvirt/internal/testkit/etcdnodes"
	"coreos-libvirt/internal/testkit/etcdserver"
)

func TestMain(m *testing.M) {
	status := m.Run()
	etcdserver.Clean()
	os.Exit(status)
}

// bed is a cluster of nodes that are not there, but their etcd and a way into each are.
type bed struct{ *etcdnodes.Bed }

// newBed has n members whose etcd has formed.
func newBed(t *testing.T, n int) *bed {
	t.Helper()
	b := &bed{etcdnodes.New(t, "../../..", n, false)}
	b.LetIn(etcdnodes.Superuser, nil)
	for _, node := range b.Options.Nodes {
		b.Start(node.Number)
	}
	b.Must(b.Healthy())
	return b
}

// lose ends the etcd of the nodes, and their data with it.
func (b *bed) lose(nodes ...int) {
	b.T.Helper()
	for _, n := range nodes {
		b.Signal(n, syscall.SIGKILL)
		_, after, _ := strings.Cut(b.Read(n, "start"), "--data-dir=")
		folder, _, _ := strings.Cut(after, "'")
		b.Must(os.RemoveAll(folder))
	}
}
