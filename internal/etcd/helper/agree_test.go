package helper

import (
	"testing"

	"coreos-libvirt/internal/etcd/wire"
)

// TestPeersAreAsMostMembersTell: one that tells otherwise is not believed, and not healthy.
func TestPeersAreAsMostMembersTell(t *testing.T) {
	two := []wire.Peer{{ID: "1", Name: "a", URLs: []string{"http://10.0.0.1:1"}}, {ID: "2", Name: "b", URLs: []string{"http://10.0.0.2:1"}}}
	turned := []wire.Peer{two[1], two[0]}
	more := append([]wire.Peer{{ID: "9", Name: "evil", URLs: []string{"http://10.0.0.9:1"}}}, two...)
	for _, c := range []struct {
		what    string
		told    [][]wire.Peer
		healthy string // + or - of each member, before
		want    string // after
		peers   int
	}{
		{"all agree", [][]wire.Peer{two, turned, two}, "+++", "+++", 2},
		{"the first lies", [][]wire.Peer{more, two, turned}, "+++", "-++", 2},
		{"the last lies", [][]wire.Peer{two, two, more}, "+++", "++-", 2},
		{"one of two lies", [][]wire.Peer{two, more}, "++", "--", 0},
		{"one lies, one is down", [][]wire.Peer{more, two, nil}, "++-", "---", 0},
		{"a sick one is not heard", [][]wire.Peer{more, two, two}, "-++", "-++", 2},
		{"a learner tells nothing", [][]wire.Peer{two, nil, two}, "+++", "+++", 2},
		{"no quorum", [][]wire.Peer{nil, two}, "--", "--", 2},
		{"nobody", nil, "", "", 0},
	} {
		members, got := []wire.Member{}, ""
		for _, h := range c.healthy {
			members = append(members, wire.Member{Healthy: h == '+'})
		}
		peers := agreed(members, c.told)
		for i, m := range members {
			got += map[bool]string{true: "+", false: "-"}[m.Healthy]
			if (m.Error == disagrees) != (c.healthy[i] == '+' && !m.Healthy) {
				t.Errorf("%s: got %+v", c.what, m)
			}
		}
		if got != c.want || len(peers) != c.peers {
			t.Errorf("%s: got %s, %+v", c.what, got, peers)
		}
	}
}

// TestTheHostIsNotSentToItself by a member's client URL.
func TestTheHostIsNotSentToItself(t *testing.T) {
	lan, own := []string{"http://10.0.0.1:2379"}, []string{"http://127.0.0.1:2379"}
	for _, c := range []struct {
		url   string
		asked []string
		ok    bool
	}{
		{"http://10.0.0.2:2379", lan, true},
		{"http://[fd00::1]:2379", lan, true},
		{"http://127.0.0.2:2379", own, true},
		{"http://127.0.0.1:22", lan, false},
		{"http://[::1]:22", lan, false},
		{"http://[::ffff:127.0.0.1]:22", lan, false},
		{"http://169.254.169.254:80", lan, false},
		{"http://localhost:22", lan, false},
		{"http://0.0.0.0:22", lan, false},
		{"unix:///run/x", lan, false},
		{"", lan, false},
	} {
		if got := ownURL(wire.Peer{Clients: []string{c.url}}, c.asked); (got != "") != c.ok {
			t.Errorf("%s: got %q", c.url, got)
		}
	}
	if got := ownURL(wire.Peer{}, lan); got != "" {
		t.Errorf("none: got %q", got)
	}
}
