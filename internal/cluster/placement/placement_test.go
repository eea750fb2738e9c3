package placement

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// nodes are members of etcd of 1,000 MiB; behind a name @ is the host that it is on, > those that it may be made on, and - says that it
// is no member.
func nodes(words string) (all []Node) {
	for _, word := range strings.Fields(words) {
		name, worker := strings.CutSuffix(word, "-")
		name, pins, pinned := strings.Cut(name, ">")
		name, at, _ := strings.Cut(name, "@")
		n := Node{Name: name, MiB: 1000, Member: !worker, At: at, Runs: at != ""}
		if pinned {
			n.Pins = strings.Split(pins, "|")
		}
		all = append(all, n)
	}
	return all
}

// hosts are names with their free memory; -1 is not known, and a ! says that it does not answer.
func hosts(words string) (all []Host) {
	for _, word := range strings.Fields(words) {
		name, silent := strings.CutSuffix(word, "!")
		h := Host{Free: -1, Silent: silent}
		_, _ = fmt.Sscanf(strings.Replace(name, ":", " ", 1), "%s %d", &h.Name, &h.Free)
		all = append(all, h)
	}
	return all
}

func shown(c Choice) string {
	words := []string{}
	for node, host := range c.Hosts {
		words = append(words, node+"@"+host)
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

func TestChoose(t *testing.T) {
	for name, c := range map[string]struct{ nodes, hosts, want, note string }{
		"one a host":                            {"n1 n2 n3", "a b c", "n1@a n2@b n3@c", ""},
		"the most memory first":                 {"n1 n2 n3", "a:5000 b:9000 c:7000", "n1@b n2@c n3@a", ""},
		"five on two hosts":                     {"n1 n2 n3 n4 n5", "a b", "n1@a n2@b n3@a n4@b n5@a", "the host a has 3 of etcd's 5 members: without it etcd has no quorum"},
		"four on two":                           {"n1 n2 n3 n4", "a b", "n1@a n2@b n3@a n4@b", ""},
		"a node stays":                          {"n1@a n2@a n3", "a b c", "n1@a n2@a n3@b", "the host a has 2 of etcd's 3 members: without it etcd has no quorum"},
		"nothing new: nothing is said":          {"n1@a n2@a n3@a", "a b", "n1@a n2@a n3@a", ""},
		"one that stays is on no host any more": {"n1@x n2 n3", "a b", "n1@x n2@a n3@b", ""},
		"memory before spread":                  {"n1 n2 n3", "a:9000 b:1500 c:500", "n1@a n2@b n3@a", "the host a has 2 of etcd's 3 members: without it etcd has no quorum"},
		"what does not run needs its memory":    {"n1 n2", "a:1900 b:1000", "n1@a n2@b", ""},
		"a pin":                                 {"n1 n2>a n3", "a b c", "n1@b n2@a n3@c", ""},
		"a pin to one of two":                   {"n1>b|c n2>b|c n3", "a b c", "n1@b n2@c n3@a", ""},
		"a host that does not answer":           {"n1 n2", "a! b", "n1@b n2@b", "the host b has 2 of etcd's 2 members: without it etcd has no quorum"},
		"workers by number of nodes":            {"n1 w1- w2- w3-", "a b", "n1@a w1@b w2@a w3@b", ""},
		"members first, whatever the order":     {"w1- w2- n1 n2 n3", "a b c", "n1@a n2@b n3@c w1@a w2@b", ""},
	} {
		got, err := Choose(nodes(c.nodes), hosts(c.hosts))
		if err != nil || shown(got) != c.want || strings.Join(got.Notes, "; ") != c.note {
			t.Errorf("%s: got %s, %q, %v; want %s, %q", name, shown(got), got.Notes, err, c.want, c.note)
		}
	}
}

func TestChooseRefuses(t *testing.T) {
	for name, c := range map[string]struct{ nodes, hosts, want string }{
		"no memory":            {"n1 n2", "a:1500 b:900", "n2: it needs 1000 MiB of memory, and no host has so much left: a has 500 MiB, b has 900 MiB\nhint: a smaller ram="},
		"no memory at a pin":   {"n1>b", "a:9000 b:900", "n1: it needs 1000 MiB of memory, and no host has so much left: b has 900 MiB\nhint: "},
		"a pin that is gone":   {"n1>b", "a b!", "n1: the host b does not answer, and it must be made there\nhint: `mage hosts` shows why"},
		"no host that answers": {"n1", "a! b!", "n1: no host answers that it could be made on\nhint: `mage hosts`"},
	} {
		if got, err := Choose(nodes(c.nodes), hosts(c.hosts)); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got %s, %v", name, shown(got), err)
		}
	}
}

// TestNoHostHasAMajority: of new members that find room anywhere, whatever else is on the hosts, if there are three hosts.
func TestNoHostHasAMajority(t *testing.T) {
	for range 500 {
		count, where := 1+2*rand.IntN(4), 3+rand.IntN(4)
		all := []Node{}
		for i := range count {
			all = append(all, Node{Name: fmt.Sprintf("n%d", i), MiB: 100, Member: true})
		}
		for i := range rand.IntN(9) {
			all = append(all, Node{Name: fmt.Sprintf("w%d", i), MiB: 100, At: fmt.Sprintf("h%d", rand.IntN(where))})
		}
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		hosts := []Host{}
		for i := range where {
			hosts = append(hosts, Host{Name: fmt.Sprintf("h%d", i), Free: 5000 + rand.IntN(1000)})
		}
		got, err := Choose(all, hosts)
		if err != nil || len(got.Notes) > 0 && count > 1 {
			t.Fatalf("%d members on %d hosts: %s, %q, %v", count, where, shown(got), got.Notes, err)
		}
	}
}
