package facts

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/config/render"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/local"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/workspace"
)

// TestManyNodesAreAskedAtOnce: a hundred that say nothing take no longer than one.
func TestManyNodesAreAskedAtOnce(t *testing.T) {
	const count = 100
	found, digests := make([]plan.Found, count), make([]string, count)
	for i, node := range workspace.Nodes(t.TempDir(), "core", count) {
		if err := os.MkdirAll(node.Dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(node.MadeOf(), []byte(render.HotplugRules), 0o600); err != nil {
			t.Fatal(err)
		}
		domain := engine.Domain{Name: node.Name, State: engine.Running, Metadata: &engine.Metadata{Ignition: "old"}}
		found[i] = plan.Found{Node: node, Domain: domain, Defined: true, History: plan.History{Fresh: true}}
		digests[i] = "new"
	}
	digests[7] = "old" // it is as it is wanted: nobody asks it
	if err := os.WriteFile(filepath.Join(found[8].Node.Dir, "report.json"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var open atomic.Int32
	all := make(chan struct{})
	silent := func(ctx context.Context, node string, waits func(string)) (guest.Report, error) {
		if node == "core06" {
			waits("it says something")
		}
		if open.Add(1) == count-2 {
			close(all)
		}
		<-ctx.Done()
		open.Add(-1)
		return guest.Report{}, fmt.Errorf("%s: %w", node, ctx.Err())
	}
	AskAll(t.Context(), &local.Disks{}, found, digests, silent)
	select {
	case <-all:
	default:
		t.Fatal("they were asked one after the other")
	}
	for i, f := range found {
		if want := i != 5 && i != 7 && i != 8; f.NeverReady != want {
			t.Errorf("%s: never ready is %t", f.Node.Name, f.NeverReady)
		}
	}
}
