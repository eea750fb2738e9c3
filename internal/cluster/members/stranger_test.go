package members

import (
	"context"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/cluster/members/voters"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/testkit/etcdserver"
	"coreos-libvirt/internal/testkit/pace"
)

// intrude makes somebody of that name and address a member with a vote, and gives its id. It joins under another name, as
// etcd takes none twice, and then calls itself as it likes.
func (b *bed) intrude(ctx context.Context, by voters.Voters, name string, at int) string {
	b.t.Helper()
	if err := by.Client.Add(ctx, by.Endpoints, b.peerURL(at)); err != nil {
		b.t.Fatal(err)
	}
	peers, err := by.Peers(ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	initial, err := peers.InitialCluster("joining", b.peerURL(at))
	if err != nil {
		b.t.Fatal(err)
	}
	data := "--data-dir=" + b.t.TempDir()
	member := etcdserver.Start(b.t, "joining", b.addressOf(at), data, "--initial-cluster="+initial, "--initial-cluster-state=existing")
	if refused, err := by.Promote(ctx, b.addressOf(at)); refused != nil || err != nil {
		b.t.Fatal(refused, err)
	}
	_ = member.Process.Kill()
	_ = member.Wait()
	etcdserver.Start(b.t, name, b.addressOf(at), data)
	for {
		peers, _ = by.Peers(ctx)
		if peer, _ := peers.At(b.addressOf(at)); peer.Name == name || ctx.Err() != nil {
			return peer.ID
		}
		time.Sleep(settlePoll)
	}
}

// TestAMemberThatIsNoNodes is an error of every `up`, whatever it calls itself, until it is taken out.
func TestAMemberThatIsNoNodes(t *testing.T) {
	t.Parallel()
	b := live(t, 2)
	ctx, cancel := context.WithTimeout(t.Context(), pace.Hang)
	defer cancel()
	nodes, voters := b.nodes(2), b.voters([]string{b.clientURL(1), b.clientURL(2)})
	if _, err := b.Reconcile(ctx, nodes, nil, nil); err != nil {
		t.Fatalf("without strangers: %v", err)
	}
	for at, name := range map[int]string{8: "evil", 9: "core02"} {
		id := b.intrude(ctx, voters, name, at)
		want := "etcd has members that are of no node of the cluster core:\n    " + id + ": " + name + " at " + b.peerURL(at) + "\nhint: mage etcd prefix=core remove=" + id + " takes it out of etcd"
		for _, up := range []string{"all nodes", "what is ready"} {
			_, err := b.Reconcile(ctx, nodes, nil, nil)
			if up != "all nodes" {
				_, err = b.ReconcileReady(ctx, nodes)
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s, %s: got %v", name, up, err)
			}
		}
		if err := b.RemoveStranger(ctx, nodes, id); err != nil {
			t.Fatal(err)
		}
		if said := b.said.String(); !strings.Contains(said, "etcd: the member "+id+" is taken out, "+name+" at "+b.peerURL(at)) {
			t.Errorf("said %s", said)
		}
		if err := b.RemoveStranger(ctx, nodes, id); err == nil || !strings.Contains(err.Error(), "remove="+id+": etcd of the cluster core has no such member\nhint: ") {
			t.Errorf("it is gone: got %v", err)
		}
	}
	done, err := b.Reconcile(ctx, nodes, nil, nil)
	if err != nil || len(done.Status.Peers) != 2 {
		t.Fatalf("all are gone: got %+v, %v", done.Status, err)
	}
	own := done.Status.Peers[0].ID
	if err := b.RemoveStranger(ctx, nodes, own); err == nil || !strings.Contains(err.Error(), "remove="+own+": this is the member of a node, core0") {
		t.Errorf("a node's: got %v", err)
	}
	if peers, err := voters.Peers(ctx); err != nil || len(peers) != 2 {
		t.Errorf("got %+v, %v", peers, err)
	}
}

// TestWhoseAMemberIs: a name is anybody's where it is known where the node is.
func TestWhoseAMemberIs(t *testing.T) {
	t.Parallel()
	b := newBed(t, 3)
	b.reports(b.Options.Nodes[0])
	b.reports(b.Options.Nodes[1])
	nodes := b.nodes(2)
	status := etcd.Status{Members: []etcd.Member{{ID: "1", Healthy: true}, {ID: "2"}}}
	for want, peers := range map[bool][]etcd.Peer{
		true: {
			{ID: "1", Name: "default", URLs: []string{"http://10.0.0.1:2380"}}, // it answers at the node
			{ID: "4", Name: "default", URLs: []string{b.peerURL(2)}},
			{ID: "4", Name: "core02", URLs: []string{"http://core02.example.org:2380"}},
			{ID: "4", Name: "core03", URLs: []string{b.peerURL(9)}}, // where that node is nobody knows
			{ID: "4", URLs: []string{b.peerURL(1)}},                 // it joins
		},
		false: {
			{ID: "2", Name: "default", URLs: []string{b.peerURL(9)}}, // it does not answer at the node
			{ID: "4", Name: "core02", URLs: []string{b.peerURL(9)}},
			{ID: "4", Name: "core02", URLs: []string{b.peerURL(2), b.peerURL(9)}},
			{ID: "4", Name: "x", URLs: []string{"http://core02.example.org:2380"}},
			{ID: "4"},
			{ID: "4", Name: "x"},
		},
	} {
		for _, peer := range peers {
			if got := b.isNodes(peer, nodes, status); got != want {
				t.Errorf("%+v: got %t", peer, got)
			}
		}
	}
}

// TestALearnerWithoutAnAddress is said, and taken out.
func TestALearnerWithoutAnAddress(t *testing.T) {
	t.Parallel()
	if got := whereabouts(etcd.Peer{ID: "1", Learner: true}); got != "a member that has not started at no address" {
		t.Errorf("got %s", got)
	}
	if _, err := (etcd.Peers{{ID: "1", Learner: true}}).URLAt("10.0.0.1"); err == nil {
		t.Error("no member tells its peer URL")
	}
	if _, ok := (etcd.Peers{{ID: "1", Learner: true}}).At(""); ok {
		t.Error("it is nowhere")
	}
}
