//go:build cgo && libvirt_dlopen

package command

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/workspace"
)

// dice are random situations. A seed gives the same ones again.
type dice struct {
	*rand.Rand
	r       *Run // that looks, and brings nodes into situations
	grouped bool // whether a cluster file declares groups
}

// random are dice, and a clone with nodes of libvirt's in-process driver.
func random(t *testing.T) dice {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := run(t)
	if _, err := r.libvirt(); err != nil {
		t.Fatal(err)
	}
	return dice{rand.New(rand.NewPCG(seed, 0)), r, false}
}

func (d dice) one(of ...string) string { return of[d.IntN(len(of))] }

// words are some of a command line.
func (d dice) words() []string {
	all, nodes := []string{}, d.one("", "nodes=1", "nodes=2", "nodes=3", "nodes=4")
	names := map[string]string{"nodes=1": "core01", "nodes=3": "core01,core03", "nodes=4": "core02,core04"}
	if d.grouped {
		nodes, names = "", map[string]string{"": d.one("core-control01", "core-worker01", "core-control01,core-worker01")}
	}
	for _, word := range []string{
		nodes, d.one("", "", "recreate=changed", "recreate="+cmp.Or(names[nodes], "core02"), "recreate=all"),
		d.one("", "", "redefine=true"), d.one("", "", "ram=1536"), d.one("", "", "parallel=true"), d.one("", "", "force=true"),
	} {
		if word != "" {
			all = append(all, word)
		}
	}
	return all
}

// befall has something happen to one of the nodes.
func (d dice) befall(t *testing.T) string {
	t.Helper()
	domains, err := d.r.domains()
	if err != nil {
		t.Fatal(err)
	}
	nodes := mayBe(d.r)
	node := nodes[d.IntN(len(nodes))]
	domain, defined := domains[node.Name]
	what := d.one("", "destroy", "boot", "lose its domain", "lose its disk", "lose all", "edit", "start")
	if !defined {
		return ""
	}
	switch what {
	case "destroy":
		if domain.State == engine.Running {
			err = d.r.conn.Destroy(node.Name)
		}
	case "boot":
		if workspace.Exists(node.Overlay()) {
			bootDomain(t, node.Name)
		}
	case "lose its domain":
		err = d.r.conn.Remove(node.UUID, d.r.Workspace)
	case "lose its disk":
		err = workspace.Forget(node.Overlay())
	case "lose all":
		err = errorOf(d.r.conn.Remove(node.UUID, d.r.Workspace), node.RemoveFiles())
	case "edit":
		_, err = d.r.conn.Define(strings.Replace(domain.XML, "<on_reboot>restart<", "<on_reboot>destroy<", 1))
	case "start":
		if domain.State != engine.Running {
			err = d.r.conn.Start(node.Name)
		}
	}
	if err != nil {
		t.Fatalf("%s: %s: %v", node.Name, what, err)
	}
	return node.Name + ": " + what + "; "
}

// mayBe are all nodes that there may be, with and without groups.
func mayBe(r *Run) (nodes []workspace.Node) {
	for n := range 4 {
		nodes = append(nodes, r.ws().Node("core", n+1))
	}
	for n := range 2 {
		nodes = append(nodes, workspace.NodeIn(r.ws(), "core", "control", n+1), workspace.NodeIn(r.ws(), "core", "worker", n+1))
	}
	return nodes
}

// looks is what is seen of a node from outside.
type looks struct {
	defined, running bool
	disk             uint64 // its inode; 0 if there is none
	xml              string
}

// marks are what is noted in a definition, which says nothing of the machine.
var marks = regexp.MustCompile(`(?s)<metadata>.*?</metadata>`)

func look(t *testing.T) map[string]looks {
	t.Helper()
	r := run(t)
	domains, err := r.domains()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]looks{}
	for _, node := range mayBe(r) {
		domain, defined := domains[node.Name]
		l := looks{defined: defined, running: domain.State == engine.Running, xml: marks.ReplaceAllString(domain.XML, "")}
		if info, err := os.Stat(node.Overlay()); err == nil {
			l.disk = info.Sys().(*syscall.Stat_t).Ino
		}
		all[node.Name] = l
	}
	return all
}

// took is what was done to a node, in the words of `mage plan`.
func took(before, after looks) string {
	switch {
	case !after.defined && after.disk == 0 && before != after:
		return "remove"
	case before.disk != after.disk && before.disk == 0:
		return "create"
	case before.disk != after.disk:
		return "recreate"
	case before.xml != after.xml:
		return "redefine"
	case !before.running && after.running:
		return "start"
	}
	return "unchanged"
}

// agrees reports whether what was done is what was planned: to create is to recreate, if there was something.
func agrees(planned, took string) bool {
	if planned == "outdated" || planned == "recreate needed" {
		planned = "unchanged"
	}
	return planned == took || planned == "create" && took == "recreate" || planned == "recreate" && took == "create"
}

// TestUpDoesWhatPlanPrinted: whatever there is of nodes, and whatever the user says.
func TestUpDoesWhatPlanPrinted(t *testing.T) {
	inClone(t)
	random(t).doesWhatPlanPrinted(t, 25, func() string { return "" })
}

// TestUpDoesWhatPlanPrintedOfGroups: whatever the cluster file declares, and also if it is gone, or comes to a cluster without.
func TestUpDoesWhatPlanPrintedOfGroups(t *testing.T) {
	groupedClone(t, 1, 1)
	d := random(t)
	d.grouped = true
	d.doesWhatPlanPrinted(t, 15, func() string {
		save(t, "worker.yml", strings.Replace(worker, "1.5.0", d.one("1.5.0", "1.4.0"), 1))
		declareGroups(t, 1+d.IntN(2), 1+d.IntN(2), d.one("", "    vcpu: 1\n", "nodes:\n  core-worker01: {image: base.qcow2}\n"))
		if text := contents(t, "clusters/core.yml"); d.IntN(6) == 0 {
			before, _, _ := strings.Cut(text, "  worker:")
			save(t, "clusters/core.yml", d.one(before, "nodes: 2\nconfig: plain.yml\nimage: base.qcow2\n"))
		}
		return contents(t, "clusters/core.yml")
	})
}

// doesWhatPlanPrinted compares what plan says with what up does, so many times. declare writes another cluster file, and gives it.
func (d dice) doesWhatPlanPrinted(t *testing.T, times int, declare func() string) {
	t.Helper()
	for range times {
		happened := d.befall(t) + d.befall(t) + d.befall(t)
		save(t, "plain.yml", strings.Replace(plain, "1.5.0", d.one("1.5.0", "1.4.0"), 1))
		happened += declare()
		words, before := d.words(), look(t)
		if _, err := New(words, os.Stdout); err != nil {
			words = nil // recreate= names a node that the file does not have
		}
		planned, refusal := saysPlan(t, words...)
		said, err := up(t, words...)
		after := look(t)
		if refusal != nil || err != nil {
			if refusal == nil || err == nil || firstLineOf(refusal) != firstLineOf(err) || fmt.Sprint(before) != fmt.Sprint(after) {
				t.Fatalf("%s%v: plan says %v, up %v\n%s", happened, words, refusal, err, said)
			}
			continue
		}
		for _, p := range wordsOf(planned.All()) {
			if now := took(before[p.Node], after[p.Node]); !agrees(p.Action, now) || p.Starts && !after[p.Node].running {
				t.Errorf("%s%v: plan says %+v, up did %q\n%s", happened, words, p, now, said)
			}
			delete(after, p.Node)
		}
		for name := range after {
			if now := took(before[name], after[name]); now != "unchanged" {
				t.Errorf("%s%v: plan says nothing of %s, up did %q\n%s", happened, words, name, now, said)
			}
		}
	}
}

// etcdOf is an etcd of some of three nodes, of which some are healthy.
func (d dice) etcdOf() (status etcd.Status) {
	if d.IntN(4) == 0 {
		return status // no member answers
	}
	for n := range 3 {
		if d.IntN(4) == 0 {
			continue
		}
		id, name := fmt.Sprint(n+1), d.one(workspace.NodeName("core", n+1), workspace.NodeName("core", n+1), "another")
		status.Peers = append(status.Peers, etcd.Peer{ID: id, Name: name, URLs: []string{"http://" + addressOf(n+1) + ":2380"}})
		status.Members = append(status.Members, etcd.Member{Name: name, ID: id, Leader: "1", Healthy: d.IntN(4) > 0, Error: "it is not healthy"})
	}
	return status
}

// TestUpTakesTheStepsThatPlanPrinted: whatever etcd's members answer.
func TestUpTakesTheStepsThatPlanPrinted(t *testing.T) {
	inClone(t)
	save(t, "plain.yml", withEtcd)
	t.Setenv("COREOS_DISCOVERY", "static")
	t.Setenv("COREOS_ADDRESSES", strings.Join([]string{addressOf(1), addressOf(2), addressOf(3)}, ","))
	mustUp(t, "nodes=3")
	t.Setenv("COREOS_READY", "on")
	d, refused := random(t), 0
	for range 40 {
		happened := d.befall(t) + d.befall(t)
		for n := range 3 {
			reports(t, workspace.NodeName("core", n+1), d.one(addressOf(n+1), ""))
		}
		token, _, err := discovery.Read("vm", "core")
		token.Formed, token.Retired = d.IntN(2) == 0, d.IntN(8) == 0
		if err := errorOf(err, token.Mark("vm", "core")); err != nil {
			t.Fatal(err)
		}
		status, words := d.etcdOf(), d.words()
		answers := func(r *Run) asking {
			ask := askAll(r, r.log)
			ask.members = func(context.Context, members.View, bool) (etcd.Status, bool, error) { return status, true, nil }
			return ask
		}
		looks := dry(run(t, words...))
		planned, refusal := wouldPlan(t.Context(), looks, answers(looks))
		r, before := run(t, words...), look(t)
		through(t, r.Claim, r.Fetch, r.Transpile)
		err = errorOf(r.Discovery(t.Context()), r.Render(t.Context()))
		m, errMade := madeOf(t.Context(), r)
		err = errorOf(err, errMade)
		var d defined
		if err == nil {
			d.planned, err = makePlan(t.Context(), r, m, false, answers(r))
		}
		if err == nil {
			d, err = definePlanned(t.Context(), r, d.planned)
		}
		r.unlockAll()
		if (refusal == nil) != (err == nil) || err != nil && firstLineOf(refusal) != firstLineOf(err) {
			t.Fatalf("%s%v, %+v: plan says %v, up %v", happened, words, status, refusal, err)
		}
		if err != nil {
			refused++
			continue
		}
		want := wordsOf(planned.plan.All())
		if have := wordsOf(d.plan.All()); !slices.Equal(have, want) || d.plan.Way != planned.plan.Way {
			t.Errorf("%s%v, %+v: plan says\n%+v\nup takes\n%+v", happened, words, status, want, have)
		}
		defines(t, before, want)
	}
	t.Logf("%d were refused", refused)
}

// defines looks whether what was made before nodes boot is what was planned. What is recreated is left to later.
func defines(t *testing.T, before map[string]looks, planned []plannedStep) {
	t.Helper()
	after := look(t)
	for _, p := range planned {
		now, want := took(before[p.Node], after[p.Node]), p.Action
		if want == "start" || want == "recreate" || want == "remove" {
			want = "unchanged"
		}
		if !agrees(want, now) {
			t.Errorf("plan says %+v, up did %q", p, now)
		}
	}
}
