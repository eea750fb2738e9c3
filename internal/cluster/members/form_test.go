package members

import (
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/testkit/etcdserver"
	"coreos-libvirt/internal/testkit/pace"
)

// TestNodesBecomeMembers ends what was begun: a learner gets its vote, one that never started goes, and an `up` of
// fewer or more nodes than the token's size waits for the members that there are. The helper is started once.
func TestNodesBecomeMembers(t *testing.T) {
	t.Parallel()
	b := live(t, 2)
	starts := b.noteStarts()
	b.Generation.Token.Size, b.Generation.Token.Formed = 5, false // of which three have left since
	if err := b.Generation.Token.Mark(b.Options.Dir, "core"); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	status, err := b.form(ctx, b.nodes(2), nil)
	if err != nil || len(status.Healthy()) != 2 {
		t.Fatalf("2 of 5: got %+v, %v", status, err)
	}
	voters := b.voters(Endpoints(status.Healthy()))
	if err := b.Client().Add(ctx, voters.Endpoints, b.peerURL(9)); err != nil {
		t.Fatal(err)
	}
	if stay, err := voters.ClearLearners(ctx); err != nil || len(stay) != 2 {
		t.Fatalf("got %+v, %v", stay, err)
	}
	if err := b.Client().Add(ctx, voters.Endpoints, b.peerURL(3)); err != nil { // which wants the other one gone
		t.Fatal(err)
	}
	peers, err := voters.Peers(ctx)
	if err != nil {
		t.Fatal(err)
	}
	etcdserver.Start(t, "core03", b.addressOf(3), strings.Fields(b.joining(peers))...)
	for deadline := time.Now().Add(pace.Hang); len(status.Members) < 3 || !status.Members[2].Healthy || status.Members[2].Name == ""; {
		if status, err = b.form(ctx, b.nodes(3), nil); err != nil || time.Now().After(deadline) {
			t.Fatalf("a learner has no vote, and is waited for by nobody: got %+v, %v", status, err)
		}
	}
	if !status.Members[2].Learner {
		t.Errorf("got %+v", status)
	}
	done, err := b.Reconcile(ctx, b.nodes(3), nil, nil)
	if err != nil || len(done.Status.Healthy()) != 3 || !done.Generation.Token.Formed || b.Generation.Token.Formed {
		t.Fatalf("got %+v, %v", done, err)
	}
	if token, _, err := discovery.Read(b.Options.Dir, "core"); err != nil || !token.Formed {
		t.Errorf("got %+v, %v", token, err)
	}
	if n := len(starts()); n != 1 {
		t.Errorf("the helper was started %d times", n)
	}

	b.stop(2)
	if status, err := b.awaitQuorum(ctx, b.nodes(3)); err != nil || len(status.Healthy()) != 2 {
		t.Errorf("a quorum is left: got %+v, %v", status, err)
	}
	b.Generation, b.Timeout = done.Generation, b.longerThanAnswers(b.clientURL(1), b.clientURL(3))
	_, err = b.form(ctx, b.nodes(3), nil)
	if err == nil || !strings.Contains(err.Error(), "etcd: 2 of 3 members are healthy\n    "+b.clientURL(2)+": ") || !strings.Contains(err.Error(), "core02: its etcd wrote last\n") {
		t.Errorf("one is dead: got %v", err)
	}
}

// joining are the flags of the third node's member.
func (b *bed) joining(peers etcd.Peers) string {
	b.t.Helper()
	initial, err := peers.InitialCluster("core03", b.peerURL(3))
	if err != nil {
		b.t.Fatal(err)
	}
	return discovery.Joining(initial)
}

// TestALearnerThatIsAboutToStartGetsItsVote: of a run that was killed when its node was booting as a member, the next one
// finds a learner that has not started. The node is not recreated for that, even if it starts at the last moment.
func TestALearnerThatIsAboutToStartGetsItsVote(t *testing.T) {
	t.Parallel()
	b := live(t, 2)
	ctx, voters, node := t.Context(), b.voters([]string{b.clientURL(1), b.clientURL(2)}), b.nodes(3)[2]
	if err := b.Client().Add(ctx, voters.Endpoints, b.peerURL(3)); err != nil {
		t.Fatal(err)
	}
	peers, err := voters.Peers(ctx)
	if err != nil {
		t.Fatal(err)
	}
	flags := b.joining(peers)
	save(t, node.Step.Node.EtcdFlags(), flags)
	save(t, node.Step.Node.Fresh(), "")
	go func() {
		time.Sleep(2 * time.Second)
		etcdserver.Start(t, "core03", b.addressOf(3), strings.Fields(flags)...)
	}()
	b.Nodes = Nodes{} // none is recreated or booted
	if _, err := b.becomeMember(ctx, node, voters); err != nil {
		t.Fatal(err)
	}
	if _, err := b.join(ctx, node, place{address: b.addressOf(3), peerURL: b.peerURL(3)}, voters); err != nil {
		t.Errorf("it is a member by now: %v", err)
	}
	peers, err = voters.Peers(ctx)
	if peer, _ := peers.At(b.addressOf(3)); err != nil || peer.Learner || peer.Name != "core03" {
		t.Errorf("got %+v, %v", peers, err)
	}
}

// TestAnAnswerThatWasAskedForAheadCounts for a second, if it is of the same members.
func TestAnAnswerThatWasAskedForAheadCounts(t *testing.T) {
	t.Parallel()
	b := newBed(t, 1)
	if b.LookAhead(t.Context()) != nil {
		t.Error("a cluster without etcd was asked")
	}
	b.Generation = generation.Generation{Token: &discovery.Token{Size: 1}}
	if b.LookAhead(t.Context()) != nil {
		t.Error("a node that was never ready was asked")
	}
	b.reports(b.Options.Nodes[0])
	said := etcd.Status{Members: []etcd.Member{{ID: "1"}}}
	ahead := b.LookAhead(t.Context())
	<-ahead.answered
	ahead.status = said
	b.Ahead = ahead
	if got := b.glance(t.Context(), []string{b.clientURL(1)}); len(got.Members) != 1 || got.Members[0].ID != "1" {
		t.Errorf("asked again: got %+v", got)
	}
	if got := b.glance(t.Context(), []string{b.clientURL(2)}); got.Members[0].ID != "" {
		t.Errorf("others: got %+v", got)
	}
	ahead.asked = time.Now().Add(-2 * aheadCounts)
	if got := b.glance(t.Context(), []string{b.clientURL(1)}); got.Members[0].ID != "" {
		t.Errorf("too old: got %+v", got)
	}
}

// TestNodesThatComeBackFormNoClusterOfTheirOwn: the members of a static cluster know each other beforehand, so two new ones of three would
// form another cluster, beside the one that was made smaller. They wait, and join.
func TestNodesThatComeBackFormNoClusterOfTheirOwn(t *testing.T) {
	t.Parallel()
	b := live(t, 3)
	ctx := t.Context()
	if _, err := b.client().Put(ctx, "key", "value"); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{3, 2} {
		step := plan.Step{Node: b.Reach.Node("core", n)}
		if err := b.removeNode(ctx, step, []string{b.clientURL(1)}, nil); err != nil {
			t.Fatal(err)
		}
		b.stop(n)
	}
	nodes := b.nodes(3)
	for _, n := range []int{2, 3} {
		nodes[n-1].Step = b.newcomers(n)[0]
		save(t, nodes[n-1].Step.Node.Fresh(), "")
		flags := strings.Fields(b.Generation.Token.Values()[discovery.WordFlags])
		b.members[nodes[n-1].Step.Node.Name] = etcdserver.Unit(t, nodes[n-1].Step.Node.Name, b.addressOf(n), flags...)
	}
	done, err := b.Reconcile(ctx, nodes, nil, nil)
	if err != nil || len(done.Status.Healthy()) != 3 || b.known(1) != "core01 core02 core03" {
		t.Fatalf("got %+v, %v, members are %s\n%s", done.Status, err, b.known(1), b.said)
	}
	if got, err := b.client().Get(ctx, "key"); err != nil || got.Count != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}
