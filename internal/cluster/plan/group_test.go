package plan

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/workspace"
)

// withWorkers adds nodes of a group worker, without etcd, to a cluster: by a word each, as cluster has them.
func withWorkers(want []Blueprint, have map[string]Found, words string) []Blueprint {
	more, there := cluster(words)
	shown := func(name string) workspace.Node {
		return workspace.NodeIn(workspace.Workspace{Root: "/w"}, "core", "worker", there[name].Node.Number)
	}
	for i := range more {
		more[i].Doc = config.Document{Node: shown(more[i].Doc.Name)}
		more[i].Mark.Group, more[i].Mark.Etcd, more[i].Joins = "worker", engine.NoEtcd, false
	}
	for name, found := range there {
		found.Node, found.LastAddress = shown(name), ""
		if found.Defined {
			mark := *found.Domain.Metadata
			mark.Group, mark.Etcd = "worker", engine.NoEtcd
			found.Domain.Name, found.Domain.Metadata = found.Node.Name, &mark
		}
		have[found.Node.Name] = found
	}
	return append(want, more...)
}

func inGroups(want []Blueprint, o Options) Options {
	o.Groups = Groups{}
	for _, b := range want {
		o.Groups[b.Doc.Group]++
	}
	return o
}

func actions(p Plan) string {
	got := ""
	for _, step := range p.All() {
		got += " " + string(step.Action)
	}
	return fmt.Sprintf("%s, %d", strings.TrimPrefix(got, " "), p.Way)
}

// TestWorkersAreNoMembers: they come, go and are recreated whatever etcd is like, and members as if there were none.
func TestWorkersAreNoMembers(t *testing.T) {
	formed := Etcd{Exists: true, Formed: true, Asked: true}
	for _, c := range []struct {
		cluster, workers, members, words string
		e                                Etcd
		want                             string
	}{
		{"runs runs runs", "runs absent", "ABc", "", formed, "keep keep keep keep create, 0"},
		{"runs runs runs", "runs absent", "", "", formed, "keep keep keep keep create, 0"},
		{"runs runs runs", "runs more", "ABc", "", formed, "keep keep keep keep remove, 0"},
		{"runs runs runs", "changed changed", "Abc", "recreate=changed", formed, "keep keep keep recreate recreate, 0"},
		{"runs runs runs", "changed changed", "Abc", "recreate=changed parallel=true", formed, "keep keep keep recreate recreate, 1"},
		{"runs runs runs", "failed runs", "ABC", "", formed, "keep keep keep recreate keep, 1"},
		{"runs runs absent", "runs absent", "AbC", "", formed, "while etcd is not healthy no member is added"},
		{"runs changed runs", "changed", "ABC", "recreate=changed", formed, "keep recreate keep recreate, 0"},
		{"runs changed runs", "changed changed changed changed", "ABC", "recreate=changed parallel=true", formed, "keep recreate keep recreate recreate recreate recreate, 0"},
		{"absent absent", "runs", "", "", Etcd{Exists: true, Asked: true}, "create create keep, 0"},
		{"fresh fresh", "runs", "", "recreate=core01,core02", Etcd{Exists: true, Asked: true}, "recreate recreate keep, 2"},
		{"runs runs runs", "runs", "ABC", "recreate=all", formed, "recreate=all: etcd answers, and the data of its 3 members"},
		{"runs runs runs", "runs", "ABC", "recreate=all force=true", formed, "recreate recreate recreate recreate, 2"},
		{"runs", "runs", "A", "recreate=core01", formed, "core01: this is etcd's only member\nhint: `mage up recreate=all force=true` makes a new cluster, without the data; one more in nodes: of its group"},
	} {
		want, have := cluster(c.cluster)
		want = withWorkers(want, have, c.workers)
		o := inGroups(want, optionsOf(c.words, 0))
		c.e.Status = answers(c.members)
		p, err := Make(want, o.on(have, c.e), o, c.e)
		got := actions(p)
		if err != nil {
			got = err.Error()
		}
		if got != c.want && (err == nil || !strings.HasPrefix(got, c.want)) {
			t.Errorf("%s, workers %s, etcd %q, %s: want %q, got %q", c.cluster, c.workers, c.members, c.words, c.want, got)
		}
	}
}

// TestWhoBecomesAMember, or is one no more, when its config gets a word of discovery, or loses it.
func TestWhoBecomesAMember(t *testing.T) {
	e := Etcd{Exists: true, Formed: true, Asked: true, Status: answers("ABC")}
	for name, c := range map[string]struct {
		member, joins bool // what it shall be
		recreate      string
		status        etcd.Status
		want          string
	}{
		"a worker becomes a member":                     {true, true, "recreate=core-worker01", answers("ABC"), "keep keep keep recreate, 0"},
		"a worker becomes a member, and another is ill": {true, true, "recreate=core-worker01", answers("ABc"), "while etcd is not healthy"},
		"a worker becomes a member that cannot join":    {true, false, "recreate=core-worker01", answers("ABC"), "core-worker01: the config does not say how"},
		"a worker is left as it is":                     {true, true, "", answers("ABc"), "keep keep keep keep, 0"},
	} {
		want, have := cluster("runs runs runs")
		want = withWorkers(want, have, "changed")
		if want[3].Joins = c.joins; c.member {
			want[3].Mark.Etcd = ""
		}
		o := inGroups(want, optionsOf(c.recreate, 0))
		e.Status = c.status
		p, err := Make(want, o.on(have, e), o, e)
		got := actions(p)
		if err != nil {
			got = err.Error()
		}
		if got != c.want && (err == nil || !strings.HasPrefix(got, c.want)) {
			t.Errorf("%s: want %q, got %q", name, c.want, got)
		}
		if err == nil && c.recreate == "" && p.Steps[3].Want.IsMember() {
			t.Errorf("%s: its mark says that it is a member by now", name)
		}
	}
	want, have := cluster("runs runs changed") // a member becomes a worker
	want[2].Mark.Etcd, want[2].Joins = engine.NoEtcd, false
	o := optionsOf("recreate=core03", 3)
	for members, expected := range map[string]string{"ABC": "keep keep recreate, 0", "AbC": "while etcd is not healthy"} {
		e.Status = answers(members)
		p, err := Make(want, o.on(have, e), o, e)
		if got := actions(p); err == nil && got != expected || err != nil && !strings.HasPrefix(err.Error(), expected) {
			t.Errorf("%s: want %s, got %s, %v", members, expected, got, err)
		}
	}
}

// TestWithoutGroups nothing is decided otherwise than by the numbers of nodes, and nodes of groups are not forgotten.
func TestNodesOfGroupsWithoutGroups(t *testing.T) {
	want, have := cluster("runs")
	withWorkers(nil, have, "runs")
	o := Options{Nodes: 1, Ready: true, FewerGoes: true}
	if _, err := Make(want, have, o, Etcd{}); err == nil || !strings.HasPrefix(err.Error(), "the cluster core has nodes in groups (worker), and no groups are declared for it\nhint: clusters/core.yml declares them; `mage down prefix=core`") {
		t.Errorf("got %v", err)
	}
	o.Groups = Groups{"control": 0, "worker": 0}
	p, err := Make(nil, have, o, Etcd{})
	if err != nil || len(p.Surplus) != 2 || p.Surplus[0].Why != "it is in none of the groups control, worker" || p.Surplus[1].Why != "the group worker has nodes: 0" {
		t.Errorf("got %+v, %v", p.Surplus, err)
	}
}

// TestWorkersChangeNothingForMembers: with the same members, and the same words, the members' steps are the same whatever workers
// there are, and no plan of theirs loses data.
func TestWorkersChangeNothingForMembers(t *testing.T) {
	dice := rand.New(rand.NewPCG(3, 4))
	one := func(words ...string) string { return words[dice.IntN(len(words))] }
	made := 0
	for range 5000 {
		nodes, members, workers := []string{}, "", []string{}
		for i := range 3 {
			nodes = append(nodes, one("runs", "runs", "off", "changed", "absent", "fresh"))
			members += one(string(rune('a'+i)), string(rune('A'+i)), string(rune('A'+i)))
		}
		for range 1 + dice.IntN(3) {
			workers = append(workers, one("runs", "off", "changed", "absent", "more", "fresh"))
		}
		words := strings.Join([]string{one("", "recreate=changed", "recreate=core02"), one("", "parallel=true"), one("", "force=true")}, " ")
		e := Etcd{Exists: true, Formed: dice.IntN(2) == 0, Asked: true, Status: answers(members)}
		want, have := cluster(strings.Join(nodes, " "))
		o := optionsOf(words, 3)
		alone, errAlone := Make(want, o.on(have, e), o, e)
		want, have = cluster(strings.Join(nodes, " "))
		want = withWorkers(want, have, strings.Join(workers, " "))
		o = inGroups(want, o)
		with, errWith := Make(want, o.on(have, e), o, e)
		if (errAlone == nil) != (errWith == nil) {
			t.Fatalf("%v %v %s %s: without workers %v, with them %v", nodes, workers, words, members, errAlone, errWith)
		}
		if errAlone != nil {
			continue
		}
		made++
		ofMembers := slices.DeleteFunc(with.All(), func(s Step) bool { return s.Node.Group == "worker" })
		onlyWorkers := len(Taking(ofMembers, Recreate)) == 0
		if !reflect.DeepEqual(ofMembers, alone.All()) || with.Way != alone.Way && !(onlyWorkers && with.Way == Together) {
			t.Fatalf("%v %v %s %s: without workers\n%+v\nwith them\n%+v", nodes, workers, words, members, alone, with)
		}
	}
	if made < 500 {
		t.Errorf("only %d plans", made)
	}
}
