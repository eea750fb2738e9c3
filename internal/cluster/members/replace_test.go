package members

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/workspace"
)

// known is what the members at the nodes' addresses know of the cluster: names, those without vote with a question mark.
func (b *bed) known(nodes ...int) string {
	b.t.Helper()
	endpoints, names := []string{}, []string{}
	for _, n := range nodes {
		endpoints = append(endpoints, b.clientURL(n))
	}
	peers, err := b.Client().Peers(b.t.Context(), endpoints)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, peer := range peers {
		if peer.Learner {
			peer.Name += "?"
		}
		names = append(names, peer.Name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// TestMembersAreReplacedInTurn: first the one that is dead. Then the surplus node goes, its member first.
func TestMembersAreReplacedInTurn(t *testing.T) {
	t.Parallel()
	b := live(t, 4)
	before := map[string]string{} // ids by name
	peers, err := b.Client().Peers(t.Context(), []string{b.clientURL(1)})
	if err != nil {
		t.Fatal(err)
	}
	for _, peer := range peers {
		before[peer.Name] = peer.ID
	}
	b.stop(2)
	nodes := b.nodes(3)
	for i := range 2 {
		nodes[i].Step.Action = plan.Recreate
		nodes[i].Report.Interfaces = nil // nothing is known yet of a node that is to be recreated
	}
	surplus := []plan.Step{{Node: b.Reach.Node("core", 4), Action: plan.Remove}, {Node: b.Reach.Node("core", 5), Action: plan.Keep, Why: "left as it is"}}
	done, err := b.Reconcile(t.Context(), nodes, surplus, nil)
	if err != nil || len(done.Status.Healthy()) != 3 || done.Nodes[1].Address() != b.addressOf(2) || nodes[1].Address() != "" {
		t.Fatalf("got %+v, %v\n%s", done, err, b.said)
	}
	if want := map[string]int{"core01": 2, "core02": 2, "core03": 1, "core04": 1}; !maps.Equal(b.rendered, want) {
		t.Errorf("a node that joins has one document more, of the flags by which it does: rendered were %v", b.rendered)
	}
	if got := b.known(1, 2, 3); got != "core01 core02 core03" || strings.Join(b.left, " ") != "core04" {
		t.Errorf("members are %s, removed are %v", got, b.left)
	}
	peers, err = b.Client().Peers(t.Context(), []string{b.clientURL(3)})
	for _, peer := range peers {
		if err != nil || (peer.ID == before[peer.Name]) != (peer.Name == "core03") {
			t.Errorf("got %+v, which were %v, %v", peers, before, err)
		}
	}
	want := []string{
		"core02: has left etcd", "core02: joins etcd as a learner", "core01: has left etcd", "core01: joins etcd as a learner",
		"core05: left as it is", "core04: has left etcd", "core04: removed",
	}
	if got := strings.Split(strings.TrimSpace(b.said.String()), "\n"); !slices.Equal(got, want) {
		t.Errorf("want %q, got %q", want, got)
	}
}

// TestALearnerIsTakenOutAgain if its node does not boot, or gets another address. The node is still one that may be
// recreated, and the next run ends that.
func TestALearnerIsTakenOutAgain(t *testing.T) {
	t.Parallel()
	b := live(t, 2)
	node := b.nodes(3)[2]
	save(t, node.Step.Node.Fresh(), "")
	b.startWithin = 2 * time.Second // of one that is not there; longer than a second, as etcd makes a member's id of its URL and the second
	voters := b.voters([]string{b.clientURL(1), b.clientURL(2)})
	works := b.Nodes.Boot
	for want, boots := range map[string]func(context.Context, plan.Step) boot.Node{
		"Ignition failed": func(_ context.Context, step plan.Step) boot.Node {
			return boot.Node{Step: step, Err: errors.New("Ignition failed")}
		},
		"it had the address " + b.addressOf(3) + " and has " + b.addressOf(7) + " now\nhint: a reservation": func(_ context.Context, step plan.Step) boot.Node {
			return boot.Node{Step: step, Report: reportOf("core03", b.addressOf(7))}
		},
	} {
		time.Sleep(time.Second) // etcd makes a member's id of its URL and the second
		b.Nodes.Boot = boots
		_, err := b.becomeMember(t.Context(), node, voters)
		if err == nil || !strings.Contains(err.Error(), "it was taken out of etcd again, which has 2 members; `mage up` tries it again: "+want) {
			t.Errorf("want %s, got %v", want, err)
		}
		if got := b.known(1, 2); got != "core01 core02" || !workspace.Exists(node.Step.Node.Fresh()) {
			t.Errorf("%s: members are %s", want, got)
		}
	}
	time.Sleep(time.Second)
	b.Nodes.Boot = works
	if _, err := b.becomeMember(t.Context(), node, voters); err != nil || b.known(1, 2) != "core01 core02 core03" {
		t.Errorf("got %v, members are %s", err, b.known(1, 2))
	}
}

// TestMembersChangeOnlyWhileTheOthersAreHealthy.
func TestMembersChangeOnlyWhileTheOthersAreHealthy(t *testing.T) {
	t.Parallel()
	b := live(t, 3)
	b.stop(3)
	nodes := b.nodes(3)
	nodes[0].Step.Action = plan.Recreate
	ctx, cancel := context.WithTimeoutCause(t.Context(), b.longerThanAnswers(b.clientURL(1), b.clientURL(2)), errors.New("waited for core03"))
	defer cancel()
	if _, err := b.Reconcile(ctx, nodes, nil, nil); err == nil || err.Error() != "core01: waited for core03" {
		t.Errorf("got %v", err)
	}
	// the one that is dead may be replaced, or go
	if err := b.removeNode(t.Context(), plan.Step{Node: b.Reach.Node("core", 3)}, []string{b.clientURL(1), b.clientURL(2)}, nil); err != nil {
		t.Error(err)
	}
	if got := b.known(1, 2); got != "core01 core02" {
		t.Errorf("members are %s", got)
	}
}

// TestAMemberThatIsKnownByAName: its URL has the name that the domain's records have, and its node is where it said that it is.
func TestAMemberThatIsKnownByAName(t *testing.T) {
	t.Parallel()
	b := newBed(t, 1)
	node := b.Options.Nodes[0]
	named, at := etcd.Peer{URLs: []string{"http://core01.example.org:2380"}}, etcd.Peer{URLs: []string{"http://10.0.0.7:2380"}}
	if got := addressOf(b.View, node, named); got != "core01.example.org" {
		t.Errorf("it never said where it is: got %s", got)
	}
	b.reports(node)
	if got := addressOf(b.View, node, named); got != b.addressOf(1) {
		t.Errorf("got %s", got)
	}
	if got := addressOf(b.View, node, at); got != "10.0.0.7" {
		t.Errorf("got %s", got)
	}
}
