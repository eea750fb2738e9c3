package workspace

import (
	"strings"
	"testing"

	"coreos-libvirt/internal/engine"
)

func TestForeign(t *testing.T) {
	w := Workspace{Root: "/w"}
	nodes := w.Nodes("core", 3)
	domains := map[string]engine.Domain{
		"core01": {Name: "core01", UUID: nodes[0].UUID, Metadata: &engine.Metadata{Workspace: "/w", Cluster: "core", Number: 1}},
		"core02": {Name: "core02"},
		"core03": {Name: "core03", Metadata: &engine.Metadata{Workspace: "/else", Cluster: "core"}},
		"core04": {Name: "core04"},
	}
	got := Foreign(w, nodes, domains, "core")
	if got == nil || strings.Contains(got.Error(), "core01") || strings.Contains(got.Error(), "core04") ||
		!strings.Contains(got.Error(), "core02: libvirt has a domain of this name that this project did not make") ||
		!strings.Contains(got.Error(), "core03: the domain belongs to the workspace /else") {
		t.Errorf("got %v", got)
	}
	delete(domains, "core03")
	if err := Foreign(w, nodes[:1], domains, "core"); err != nil {
		t.Error(err)
	}
	domains["core07"] = engine.Domain{Name: "core07", Metadata: &engine.Metadata{Workspace: "/else", Cluster: "core"}}
	if err := Foreign(w, nodes[:1], domains, "core"); err == nil || !strings.Contains(err.Error(), "core07: the domain belongs to the workspace /else") {
		t.Errorf("another workspace's cluster of this name, with more nodes: got %v", err)
	}
	if err := Foreign(w, nodes[:1], domains, "cor"); err == nil || !strings.Contains(err.Error(), "belongs to the cluster core") {
		t.Errorf("got %v", err)
	}
}
