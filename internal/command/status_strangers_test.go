//go:build cgo && libvirt_dlopen

package command

import (
	"context"
	"strings"
	"testing"

	"coreos-libvirt/internal/testkit/pace"
)

// TestStatusNamesMembersThatAreNoNodes, also of a cluster that is not prefix=, and its exit status says so. A member that has not
// started is one.
func TestStatusNamesMembersThatAreNoNodes(t *testing.T) {
	livingCluster(t, "core01")
	shown := func(words ...string) (string, error) {
		r := run(t, words...)
		err := Status(t.Context(), r)
		if !strings.Contains(r.said(), "core01") {
			t.Errorf("%v: said %s", words, r.said())
		}
		return r.said(), err
	}
	if said, err := shown(); err != nil {
		t.Fatalf("without strangers: %v\n%s", err, said)
	}
	r := run(t)
	ctx, cancel := context.WithTimeout(t.Context(), pace.Hang)
	defer cancel()
	endpoint := []string{"http://" + addressOf(1) + ":2379"}
	if err := r.etcd.Add(ctx, endpoint, "http://"+addressOf(8)+":2380"); err != nil {
		t.Fatal(err)
	}
	peers, err := r.etcd.Peers(ctx, endpoint)
	if err != nil {
		t.Fatal(err)
	}
	stranger, _ := peers.At(addressOf(8))
	want := "etcd has members that are of no node of the cluster core:\n    " + stranger.ID + ": a member that has not started at http://" + addressOf(8) +
		":2380\nhint: mage etcd prefix=core remove=" + stranger.ID + " takes it out of etcd"
	for _, words := range [][]string{nil, {"format=json"}, {"prefix=core"}} {
		if said, err := shown(words...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v\n%s", words, err, said)
		}
	}
	domains, err := r.domains()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := strangersOf(ctx, run(t, "prefix=other"), domains, r.ws().Members(domains, "")); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("of another cluster: got %v", err)
	}
}

// TestStatusSaysWhatIsWrongWithAMember: which, what, and what helps; its exit status says so. The node reports another address than the one that
// the other member looks for it at.
func TestStatusSaysWhatIsWrongWithAMember(t *testing.T) {
	livingCluster(t, "core01", "core02")
	if err := Status(t.Context(), run(t)); err != nil {
		t.Fatalf("nothing is wrong: %v", err)
	}
	reports(t, "core02", addressOf(9))
	want := "core02: its address has changed: the other members look for it at http://" + addressOf(2) + ":2380, and the node is at " + addressOf(9)
	r := run(t)
	if err := Status(t.Context(), r); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "recreate=core02` makes it a new member") {
		t.Errorf("got %v\n%s", err, r.said())
	}
}
