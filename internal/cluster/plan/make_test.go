package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/workspace"
)

// cluster has nodes that are wanted, and what there is of them, by a word a node: runs, off, fresh (runs, and no run has come
// to its end since), changed (runs), failed (runs, changed, and its first boot never succeeded), absent, or more (runs, and is
// not wanted).
func cluster(words string) (want []Blueprint, have map[string]Found) {
	have = map[string]Found{}
	for i, word := range strings.Fields(words) {
		node := workspace.NodeAt("/w/vm", "core", i+1)
		mark := engine.Metadata{Workspace: "/w", Cluster: "core", Number: i + 1, Ignition: "i1", Base: "/base", Definition: "d1"}
		made, found := mark, Found{Node: node, Recorded: true, History: History{LastAddress: addressOf(i + 1)}, Keeping: Keeping{Definition: "d1"}}
		if word == "changed" || word == "failed" {
			made.Ignition = "i0"
		}
		if word != "absent" {
			found.Defined, found.Disk = true, engine.Disk{Exists: true, Backing: "/base"}
			found.Domain = engine.Domain{Name: node.Name, State: engine.Running, Metadata: &made}
		}
		if word == "off" {
			found.Domain.State = engine.ShutOff
		}
		found.Fresh, found.NeverReady = word == "fresh" || word == "failed", word == "failed"
		have[node.Name] = found
		if word != "more" {
			want = append(want, Blueprint{Doc: config.Document{Node: node}, Mark: mark, Joins: true})
		}
	}
	return want, have
}

func addressOf(node int) string { return fmt.Sprintf("10.0.0.%d", node) }

// answers is an etcd with a member a letter: of node 1, 2, 3; a capital one is healthy.
func answers(letters string) (status etcd.Status) {
	for i, letter := range letters {
		name, id := workspace.NodeName("core", i+1), string(letter|0x20)
		status.Peers = append(status.Peers, etcd.Peer{ID: id, Name: name, URLs: []string{"http://" + addressOf(i+1) + ":2380"}})
		status.Members = append(status.Members, etcd.Member{Endpoint: "http://" + addressOf(i+1) + ":2379", Name: name, ID: id, Leader: "a", Healthy: letter < 'a', Error: "silent"})
	}
	return status
}

// optionsOf are those of a command line.
func optionsOf(words string, nodes int) Options {
	o := Options{Nodes: nodes, Ready: true}
	for _, word := range strings.Fields(words) {
		recreate, is := strings.CutPrefix(word, "recreate=")
		switch {
		case recreate == "all":
			o.All = true
		case recreate == "changed":
			o.Changed = true
		case is:
			o.Names = strings.Split(recreate, ",")
		}
		o.FewerGoes, o.Parallel = o.FewerGoes || word == "nodes=", o.Parallel || word == "parallel=true"
		o.Force, o.Ready = o.Force || word == "force=true", o.Ready && word != "ready=off"
	}
	return o
}

func (o Options) on(have map[string]Found, e Etcd) map[string]Found {
	for name, found := range have {
		found.Wishes = o.For(name, e.Retired)
		have[name] = found
	}
	return have
}

func TestMakeWithEtcd(t *testing.T) {
	formed := Etcd{Exists: true, Formed: true, Asked: true}
	for _, c := range []struct {
		cluster, members, words string
		e                       Etcd
		want                    string // the steps' actions and the way, or the beginning of the error
	}{
		{"runs runs runs", "ABC", "", formed, "keep keep keep, 0"},
		{"absent absent absent", "", "", Etcd{Exists: true, Asked: true}, "create create create, 0"},
		{"runs absent runs", "ABC", "", formed, "keep recreate keep, 0"},
		{"runs absent runs", "AbC", "", formed, "keep recreate keep, 0"},
		{"runs absent runs", "ABc", "", formed, "while etcd is not healthy no member is added, replaced or taken out: etcd: 2 of 3 members are healthy"},
		{"runs absent runs", "", "", formed, "no member of etcd answers: while it is not healthy none is added"},
		{"off absent off", "", "", formed, "keep create keep, 0"},
		{"runs runs runs absent", "ABC", "", formed, "keep keep keep create, 0"},
		{"runs runs more", "ABC", "nodes=", formed, "keep keep remove, 0"},
		{"runs runs more", "ABC", "", formed, "keep keep keep, 0"},
		{"runs runs more", "ABc", "nodes=", formed, "keep keep remove, 0"},
		{"runs runs more", "AbC", "nodes=", formed, "while etcd is not healthy"},
		{"runs changed runs", "ABC", "recreate=changed", formed, "keep recreate keep, 0"},
		{"changed changed changed", "", "recreate=changed", formed, "no member of etcd answers: members are replaced while the others are healthy"},
		{"fresh fresh", "", "recreate=core01,core02", Etcd{Exists: true, Asked: true}, "recreate recreate, 2"},
		{"fresh fresh", "", "recreate=core02", Etcd{Exists: true, Asked: true}, "keep recreate, 1"},
		{"runs runs runs", "ABC", "recreate=all", formed, "recreate=all: etcd answers, and the data of its 3 members would be lost"},
		{"runs runs runs", "ABC", "recreate=all force=true", formed, "recreate recreate recreate, 2"},
		{"runs runs runs", "", "recreate=all", formed, "recreate recreate recreate, 2"},
		{"runs runs more", "", "recreate=all", formed, "recreate=all: 1 nodes above nodes=2 would be left"},
		{"runs runs runs", "ABC", "recreate=core01,core02 parallel=true", formed, "parallel=true: etcd would lose its quorum"},
		{"runs runs runs", "ABC", "recreate=core01,core02 parallel=true force=true", formed, "parallel=true force=true: the other nodes would be left"},
		{"runs runs runs", "ABC", "recreate=core01,core02,core03 parallel=true force=true", formed, "recreate recreate recreate, 2"},
		{"runs runs runs", "ABC", "recreate=core01 parallel=true", formed, "recreate keep keep, 0"},
		{"runs", "A", "recreate=core01", formed, "core01: this is etcd's only member"},
		{"runs runs runs absent", "ABC", "ready=off", formed, "ready=off: nodes do not say where they are: no member"},
		{"runs runs runs", "ABC", "", Etcd{Exists: true, Formed: true, Retired: true, Asked: true}, "recreate recreate recreate, 2"},
		{"runs runs failed", "ABc", "", formed, "keep keep recreate, 0"},
		{"runs runs failed", "ABC", "", formed, "keep keep keep, 0"},
		{"runs runs failed", "", "", formed, "keep keep keep, 0"},
		{"runs runs failed", "Abc", "", formed, "while etcd is not healthy"},
		{"fresh failed", "", "", Etcd{Exists: true, Asked: true}, "keep recreate, 1"},
		{"failed failed", "", "", Etcd{Exists: true, Asked: true}, "recreate recreate, 2"},
		{"failed failed", "", "", Etcd{}, "recreate recreate, 1"},
		{"failed changed", "", "recreate=changed", Etcd{}, "recreate recreate, 0"},
		{"runs failed", "", "", Etcd{}, "keep recreate, 1"},
		{"changed changed", "", "recreate=changed parallel=true", Etcd{}, "recreate recreate, 1"},
		{"changed changed", "", "recreate=changed", Etcd{}, "recreate recreate, 0"},
	} {
		want, have := cluster(c.cluster)
		o := optionsOf(c.words, len(want))
		c.e.Status = answers(c.members)
		p, err := Make(want, o.on(have, c.e), o, c.e)
		got := ""
		for _, step := range p.All() {
			got += " " + string(step.Action)
		}
		got = fmt.Sprintf("%s, %d", strings.TrimPrefix(got, " "), p.Way)
		if err != nil {
			got = err.Error()
		}
		if got != c.want && (err == nil || !strings.HasPrefix(got, c.want)) {
			t.Errorf("%s, etcd %q, %s: want %q, got %q", c.cluster, c.members, c.words, c.want, got)
		}
	}
}

// TestASurplusNodeThatStaysIsNotStarted, and its state is what it is.
func TestASurplusNodeThatStaysIsNotStarted(t *testing.T) {
	want, have := cluster("runs more more")
	off := have["core03"]
	off.Domain.State = engine.ShutOff
	have["core03"] = off
	p, err := Make(want, have, Options{Nodes: 1, Ready: true}, Etcd{})
	if err != nil || len(p.Surplus) != 2 {
		t.Fatalf("got %+v, %v", p, err)
	}
	for i, running := range []bool{false, true} {
		if s := p.Surplus[i]; s.Action != Keep || s.Running != running || s.Starts() || s.Changes() {
			t.Errorf("got %+v", s)
		}
	}
}

// TestAConfigThatDoesNotJoin is refused as soon as a member shall come.
func TestAConfigThatDoesNotJoin(t *testing.T) {
	want, have := cluster("runs runs absent")
	want[2].Joins = false
	_, err := Make(want, have, Options{Nodes: 3, Ready: true}, Etcd{Exists: true, Formed: true, Asked: true, Status: answers("AB")})
	if err == nil || !strings.HasPrefix(err.Error(), "core03: the config does not say how a member joins") {
		t.Errorf("got %v", err)
	}
}

// TestNoPlanLosesData: whatever there is, an etcd that answers is never recreated as a whole unless the user says so, no
// member is recreated or removed while another one is not healthy that stays, and the members are asked where it counts.
func TestNoPlanLosesData(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	one := func(words ...string) string { return words[dice.IntN(len(words))] }
	made := 0
	for range 20000 {
		nodes, members := []string{}, ""
		for i := range 3 {
			nodes = append(nodes, one("runs", "runs", "off", "changed", "failed", "absent", "fresh"))
			members += one(string(rune('a'+i)), string(rune('A'+i)), string(rune('A'+i)))
		}
		nodes = append(nodes, one("more", "runs", "absent"))
		words := strings.Join([]string{
			one("", "nodes="), one("", "recreate=changed", "recreate=core02", "recreate=core01,core03", "recreate=all"), one("", "parallel=true"), one("", "force=true"), one("", "", "ready=off"),
		}, " ")
		want, have := cluster(strings.Join(nodes, " "))
		o := optionsOf(words, len(want))
		e := Etcd{Exists: true, Formed: dice.IntN(2) == 0, Retired: dice.IntN(9) == 0, Asked: true, Status: answers(members)}
		p, err := Make(want, o.on(have, e), o, e)
		if err != nil {
			continue
		}
		made++
		changes := Taking(p.All(), Recreate, Remove)
		asked := e
		asked.Asked, asked.Status = false, etcd.Status{}
		if len(changes) > 0 && !AsksMembers(want, have, o, asked) && !e.Retired && !o.All {
			t.Fatalf("%v %s: nobody asks the members, and %+v", nodes, words, changes)
		}
		if p.Way == NewGeneration && !o.Force && !e.Retired || p.Way == Together {
			t.Fatalf("%v %s %s: data are lost: %+v", nodes, words, members, p)
		}
		if p.Way == NewGeneration || len(changes) == 0 {
			continue
		}
		for i, letter := range members {
			name := workspace.NodeName("core", i+1)
			spared := slices.ContainsFunc(p.All(), func(s Step) bool { return s.Node.Name == name && (s.Starts() || s.Action == Remove) })
			if letter >= 'a' && !spared {
				t.Fatalf("%v %s %s: %s is not healthy, and %+v", nodes, words, members, name, changes)
			}
		}
	}
	if made < 1000 {
		t.Errorf("only %d plans", made)
	}
}
