package members

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/cluster/beforehand"
	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/members/admission"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/testkit/etcdserver"
	"coreos-libvirt/internal/workspace"
)

// newcomers are the steps of nodes that there is nothing of, by number.
func (b *bed) newcomers(numbers ...int) (steps []plan.Step) {
	for _, n := range numbers {
		steps = append(steps, plan.Step{Node: b.Reach.Node("core", n), Action: plan.Create})
	}
	return steps
}

// expected says that nodes will be where their addresses are.
func (b *bed) expected(numbers ...int) map[string]beforehand.Place {
	all := map[string]beforehand.Place{}
	for _, n := range numbers {
		all[workspace.NodeName("core", n)] = beforehand.Place{Address: b.addressOf(n), By: "addresses="}
	}
	return all
}

// defined makes the nodes' folders, as the stage before the boot does.
func (b *bed) defined(steps []plan.Step) {
	b.t.Helper()
	for _, step := range steps {
		save(b.t, step.Node.Fresh(), "")
	}
}

// boots starts the etcd of new nodes, by a unit that starts it again whenever it ends.
func (b *bed) boots(steps ...plan.Step) (nodes []boot.Node) {
	b.t.Helper()
	for _, step := range steps {
		flags, err := os.ReadFile(step.Node.EtcdFlags())
		if err != nil {
			b.t.Fatal(err)
		}
		b.members[step.Node.Name] = etcdserver.Unit(b.t, step.Node.Name, b.addressOf(step.Node.Number), strings.Fields(string(flags))...)
		b.reports(step.Node)
		nodes = append(nodes, boot.Node{Step: step, Report: reportOf(step.Node.Name, b.addressOf(step.Node.Number))})
	}
	return nodes
}

// expects has new nodes made to join, as a run does before it defines them.
func (b *bed) expects(steps []plan.Step, expected map[string]beforehand.Place) {
	b.t.Helper()
	peers, err := b.Client().Peers(b.t.Context(), []string{b.clientURL(1)})
	if err == nil {
		err = b.Expect(steps, peers, expected)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	b.defined(steps)
}

func (b *bed) admits(steps []plan.Step) admission.Admitted {
	b.t.Helper()
	admitted, err := b.Admit(b.t.Context(), steps)
	if err != nil {
		b.t.Fatal(err)
	}
	return admitted
}

// never is a node that must not be booted once more.
func (b *bed) never() {
	b.Nodes.Recreate = func(_ context.Context, step plan.Step) (plan.Step, error) {
		return step, errors.New(step.Node.Name + " is recreated")
	}
}

// TestNodesThatAreExpectedJoinWithTheirFirstBoot: the first is added before it boots, the second waits until it is added, and each gets
// its vote. No node is recreated for that.
func TestNodesThatAreExpectedJoinWithTheirFirstBoot(t *testing.T) {
	t.Parallel()
	b := live(t, 2)
	steps := b.newcomers(3, 4)
	b.expects(steps, b.expected(3, 4))
	for i, want := range []string{
		"core01=" + b.peerURL(1) + " core02=" + b.peerURL(2) + " core03=" + b.peerURL(3),
		"core01=" + b.peerURL(1) + " core02=" + b.peerURL(2) + " core03=" + b.peerURL(3) + " core04=" + b.peerURL(4),
	} {
		flags, _ := os.ReadFile(steps[i].Node.EtcdFlags())
		initial, _, _ := strings.Cut(strings.TrimPrefix(string(flags), "--initial-cluster="), " ")
		parts := strings.Split(initial, ",")
		slices.Sort(parts)
		if got := strings.Join(parts, " "); got != want || !strings.HasSuffix(string(flags), " --initial-cluster-state=existing") {
			t.Errorf("%s: want %s, got %s", steps[i].Node.Name, want, flags)
		}
		if document, err := os.ReadFile(steps[i].Node.Ignition()); err != nil || !strings.Contains(string(document), "initial-cluster-state") {
			t.Errorf("%s: its document is %s, %v", steps[i].Node.Name, document, err)
		}
	}
	admitted := b.admits(steps)
	if got := b.known(1, 2); got != "? core01 core02" {
		t.Fatalf("etcd takes one learner at a time: members are %s", got)
	}
	b.never()
	nodes := append(b.nodes(2), b.boots(steps...)...)
	if err := admitted.Came(nodes); err != nil {
		t.Fatal(err)
	}
	done, err := b.Reconcile(t.Context(), nodes, nil, nil)
	if err != nil || len(done.Status.Healthy()) != 4 || b.known(1, 2, 3, 4) != "core01 core02 core03 core04" {
		t.Fatalf("got %+v, %v, members are %s\n%s", done, err, b.known(1, 2), b.said)
	}
	want := []string{
		"core03: will join etcd with its first boot, at " + b.addressOf(3) + " (addresses=)", "core04: will join etcd with its first boot, at " + b.addressOf(4) + " (addresses=)",
		"core03: joins etcd as a learner", "core04: joins etcd as a learner",
	}
	if got := strings.Split(b.said.String(), "\n"); len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("want %q, got %q", want, got)
	}
}

// TestANodeThatDoesNotComeLeavesNoMember, nor does one that is elsewhere.
func TestANodeThatDoesNotComeLeavesNoMember(t *testing.T) {
	t.Parallel()
	b := live(t, 2)
	steps := b.newcomers(3)
	b.expects(steps, b.expected(3))
	for want, node := range map[string]boot.Node{
		"core03: was expected at " + b.addressOf(3) + " and is not there: its member was taken out of etcd again, which has 2 members\n":                 {Step: steps[0], Err: errors.New("Ignition failed")},
		"core03: was expected at " + b.addressOf(3) + " and is at " + b.addressOf(7) + ": its member was taken out of etcd again, which has 2 members\n": {Step: steps[0], Report: reportOf("core03", b.addressOf(7))},
	} {
		time.Sleep(time.Second) // etcd makes a member's id of its URL and the second
		admitted := b.admits(steps)
		if got := b.known(1, 2); got != "? core01 core02" {
			t.Fatalf("members are %s", got)
		}
		b.said.Reset()
		if err := admitted.Came(append(b.nodes(2), node)); err != nil || b.said.String() != want || b.known(1, 2) != "core01 core02" {
			t.Errorf("got %v, members are %s, said %s", err, b.known(1, 2), b.said)
		}
	}
	if err := (admission.Admitted{}).Came(nil); err != nil {
		t.Error(err)
	}
}

// TestARunThatWasKilledBeforeTheFirstBoot has added a member that never started: it is nobody else's, the next run goes on with it,
// and if the node is not wanted any more it goes with it.
func TestARunThatWasKilledBeforeTheFirstBoot(t *testing.T) {
	t.Parallel()
	b := live(t, 2)
	steps := b.newcomers(3)
	b.expects(steps, b.expected(3))
	b.admits(steps)
	b.Domains["core03"] = engine.Domain{Name: "core03", UUID: steps[0].Node.UUID, Metadata: &engine.Metadata{Workspace: b.Reach.Root, Cluster: "core", Number: 3}}
	status, err := b.StatusOf(t.Context(), b.nodes(2))
	if err == nil {
		err = b.CheckStrangers(b.nodes(2), status)
	}
	if err != nil {
		t.Error(err)
	}
	steps[0].Action = plan.Keep // the next run finds it defined
	b.said.Reset()
	if again := b.admits(steps); again.Address != b.addressOf(3) || b.known(1, 2) != "? core01 core02" || b.said.Len() > 0 {
		t.Errorf("got %+v, members are %s, said %s", again, b.known(1, 2), b.said)
	}
	steps[0].Action = plan.Remove
	if _, err := b.Reconcile(t.Context(), b.nodes(2), steps, nil); err != nil || b.known(1, 2) != "core01 core02" || len(b.left) != 1 {
		t.Errorf("got %v, members are %s, removed are %v", err, b.known(1, 2), b.left)
	}
}

// TestWhoIsNotAdmitted: nobody, while members are replaced or one is not healthy; not a node that was made to join others than there are.
func TestWhoIsNotAdmitted(t *testing.T) {
	t.Parallel()
	b := live(t, 3)
	steps := b.newcomers(4)
	b.expects(steps, map[string]beforehand.Place{})
	if workspace.Exists(steps[0].Node.EtcdFlags()) || b.admits(steps).Address != "" {
		t.Error("nobody knows where it will be")
	}
	b.expects(steps, b.expected(4))
	if replaced := append(b.nodes(1), boot.Node{}); b.admits(append(steps, plan.Step{Node: replaced[0].Step.Node, Action: plan.Recreate})).Address != "" {
		t.Error("a member is replaced: etcd takes one learner at a time")
	}
	good, _ := os.ReadFile(steps[0].Node.EtcdFlags())
	without := strings.Replace(string(good), "core02="+b.peerURL(2), "other=http://127.0.0.1:1", 1) // wherever among them it stands
	save(t, steps[0].Node.EtcdFlags(), without)
	if b.admits(steps).Address != "" || !strings.Contains(string(good), "core02=") {
		t.Error("it was made to join others")
	}
	save(t, steps[0].Node.EtcdFlags(), string(good))
	b.stop(3)
	if b.admits(steps).Address != "" || b.known(1, 2) != "core01 core02 core03" {
		t.Errorf("one is not healthy: members are %s", b.known(1, 2))
	}
}

// TestANodeWhoseEtcdIsNotStartedAgain has a unit that gives up: the node is recreated to join, as one whose address nobody knew.
func TestANodeWhoseEtcdIsNotStartedAgain(t *testing.T) {
	t.Parallel()
	b := live(t, 2)
	steps := b.newcomers(3)
	b.expects(steps, b.expected(3))
	b.startWithin = 2 * time.Second
	nodes := append(b.nodes(2), boot.Node{Step: steps[0], Report: reportOf("core03", b.addressOf(3))})
	done, err := b.Reconcile(t.Context(), nodes, nil, nil)
	if err != nil || len(done.Status.Healthy()) != 3 || !strings.Contains(b.said.String(), "core03: its etcd has not started since it was added: the node is recreated to join\n") {
		t.Errorf("got %+v, %v\n%s", done, err, b.said)
	}
	var none etcd.Peer
	if peers, err := b.Client().Peers(t.Context(), []string{b.clientURL(1)}); err != nil || slices.ContainsFunc(peers, func(p etcd.Peer) bool { return p.Name == none.Name }) {
		t.Errorf("got %+v, %v", peers, err)
	}
}
