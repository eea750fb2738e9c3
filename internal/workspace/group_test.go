package workspace

import (
	"testing"

	"coreos-libvirt/internal/engine"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		prefix, name, group string
		number              int // 0: it is none of that cluster
	}{
		{"core", "core01", "", 1},
		{"core", "core-worker02", "worker", 2},
		{"core", "core-gpu-a101", "gpu-a", 101},
		{"core", "core-3d01", "3d", 1},
		{"core", "core-worker", "", 0},
		{"core", "core-worker1", "", 0},
		{"core", "core-worker00", "", 0},
		{"core", "core-01", "", 0},
		{"core", "core--a01", "", 0},
		{"core", "core-a-01", "", 0},
		{"core", "corex-worker01", "", 0},
		{"core", "worker01", "", 0},
		{"core-worker", "core-worker02", "", 2},
		{"web1", "web101", "", 1},
	} {
		group, n, ok := Parse(c.prefix, c.name)
		if group != c.group || n != c.number || ok != (n > 0) {
			t.Errorf("%s of %s: got %q, %d, %t", c.name, c.prefix, group, n, ok)
		}
		w := Workspace{Root: "/w"}
		if node := NodeIn(w, c.prefix, group, n); ok && (node.Name != c.name || node.Cluster() != c.prefix || node != w.NodeOf(&engine.Metadata{Cluster: c.prefix, Number: n, Role: engine.Role{Group: group}})) {
			t.Errorf("got %+v", node)
		}
	}
	if got := OwnersOf("core-worker02", []string{"core", "core-worker", "web", "core"}); len(got) != 2 {
		t.Errorf("got %v", got)
	}
}
