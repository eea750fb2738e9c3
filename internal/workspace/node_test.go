package workspace

import "testing"

func TestNodes(t *testing.T) {
	nodes := Nodes("/w/vm", "kvm-core", 100)
	for i, want := range map[int]struct{ name, mac string }{
		0: {"kvm-core01", "52:54:00:86:6a:e4"}, 1: {"kvm-core02", "52:54:00:7d:89:21"}, 2: {"kvm-core03", "52:54:00:3a:c4:56"},
		98: {"kvm-core99", ""}, 99: {"kvm-core100", ""},
	} {
		if n := nodes[i]; n.Name != want.name || n.Number != i+1 || want.mac != "" && n.MAC != want.mac {
			t.Errorf("got %+v, want %v", n, want)
		}
	}
	if again := Nodes("/w/vm", "kvm-core", 1)[0]; again != nodes[0] || again.UUID == Nodes("/other/vm", "kvm-core", 1)[0].UUID {
		t.Error("a node's UUID must be its own, the same every time")
	}
}
