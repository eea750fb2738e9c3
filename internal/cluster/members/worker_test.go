package members

import (
	"context"
	"strings"
	"testing"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
)

// asWorker is the node without a member of etcd.
func asWorker(n boot.Node, action plan.Action) boot.Node {
	n.Step.Action, n.Step.Want.Etcd = action, engine.NoEtcd
	return n
}

// TestWorkersComeAndGo, and no member changes.
func TestWorkersComeAndGo(t *testing.T) {
	t.Parallel()
	b := live(t, 3)
	b.Nodes.Boot = func(_ context.Context, step plan.Step) boot.Node { // of workers, whose etcd does not start
		return boot.Node{Step: step, Report: reportOf(step.Node.Name, b.addressOf(step.Node.Number))}
	}
	nodes := b.nodes(5)
	nodes[3], nodes[4] = asWorker(nodes[3], plan.Keep), asWorker(nodes[4], plan.Recreate)
	for _, worker := range nodes[3:] {
		mark := engine.Metadata{Workspace: b.Reach.Root, Cluster: "core", Number: worker.Step.Node.Number, Role: engine.Role{Etcd: engine.NoEtcd}}
		b.Domains[worker.Step.Node.Name] = engine.Domain{Name: worker.Step.Node.Name, UUID: worker.Step.Node.UUID, State: engine.Running, Metadata: &mark}
	}
	surplus := asWorker(boot.Node{Step: plan.Step{Node: b.Reach.Node("core", 6)}}, plan.Remove).Step
	done, err := b.Reconcile(t.Context(), nodes, []plan.Step{surplus}, nil)
	if err != nil || len(done.Nodes) != 5 || len(done.Status.Members) != 3 || done.Nodes[4].Step.Action != plan.Create {
		t.Fatalf("got %+v, %v\n%s", done, err, b.said)
	}
	if got := b.known(1, 2, 3); got != "core01 core02 core03" || strings.Join(b.left, " ") != "core06" {
		t.Errorf("members are %s, removed are %v", got, b.left)
	}
	if said := b.said.String(); strings.Contains(said, "etcd") {
		t.Errorf("a worker has nothing to do with etcd: %s", said)
	}
	if running := b.running(b.Domains); len(running) != 3 {
		t.Errorf("asked for members are %d nodes", len(running))
	}
}

// TestAMemberBecomesAWorker: it leaves etcd, and its node is recreated.
func TestAMemberBecomesAWorker(t *testing.T) {
	t.Parallel()
	b := live(t, 3)
	b.Nodes.Boot = func(_ context.Context, step plan.Step) boot.Node {
		return boot.Node{Step: step, Report: reportOf(step.Node.Name, b.addressOf(step.Node.Number))}
	}
	nodes := b.nodes(3)
	nodes[2] = asWorker(nodes[2], plan.Recreate)
	done, err := b.Reconcile(t.Context(), nodes, nil, nil)
	if err != nil || len(done.Status.Healthy()) != 2 || b.known(1, 2) != "core01 core02" {
		t.Errorf("got %+v, %v, members are %s", done.Status, err, b.known(1, 2))
	}
	if said := b.said.String(); !strings.HasPrefix(said, "core03: has left etcd\n") || strings.Contains(said, "joins") {
		t.Errorf("said %s", said)
	}
}
