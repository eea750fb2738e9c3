//go:build cgo && libvirt_dlopen

package command

import (
	"os"
	"slices"
	"strings"
	"testing"

	"coreos-libvirt/internal/terminal/question"
)

// downOn is `mage down` with somebody who answers, or nobody; asked is what was shown.
func downOn(t *testing.T, answer func(shown string) bool, words ...string) (said, asked string, err error) {
	t.Helper()
	r := run(t, words...)
	defer r.unlockAll()
	var ask question.Asker
	if answer != nil {
		ask = func(text string) (bool, error) {
			asked += text
			return answer(text), nil
		}
	}
	err = downAsking(t.Context(), r, ask)
	return r.said(), asked, err
}

func yes(string) bool { return true }
func no(string) bool  { return false }

// there fails unless libvirt has these domains and no others of the workspace, each with its disk.
func there(t *testing.T, names ...string) {
	t.Helper()
	domains, err := run(t).domains()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"core01", "core02", "web01"} {
		_, statErr := os.Stat(overlayOf(name))
		if want := slices.Contains(names, name); (domains[name].Name != "") != want || (statErr == nil) != want {
			t.Errorf("%s: domain %q, disk %v; wanted %v", name, domains[name].Name, statErr, want)
		}
	}
}

func TestDownShowsWhatGoesAndAsks(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=2")
	mustUp(t, "prefix=web", "nodes=1")
	bootDomain(t, "core01")
	if _, asked, err := downOn(t, yes); err == nil || asked != "" || !strings.Contains(err.Error(), "this workspace has 2 clusters, core, web: down is about one of them\nhint: ") {
		t.Errorf("got %q, %v", asked, err)
	}
	there(t, "core01", "core02", "web01")
	_, asked, err := downOn(t, no, "prefix=core")
	if err == nil || err.Error() != "nothing was removed\nhint: yes=true does not ask" {
		t.Errorf("got %v", err)
	}
	for _, want := range []string{"core01   core      running", "has data\n", "core02   core ", "down removes the cluster core: 2 nodes (", " running, ", " with data, disks of ", "\nGo on?"} {
		if !strings.Contains(asked, want) || strings.Contains(asked, "web") {
			t.Errorf("%q is not in\n%s", want, asked)
		}
	}
	there(t, "core01", "core02", "web01")
	said, asked, err := downOn(t, yes, "all=true")
	if err != nil || !strings.Contains(asked, "down removes 2 clusters (core, web): 3 nodes (") || strings.Count(said, ": domain removed") != 3 {
		t.Errorf("got %v\n%s\n%s", err, asked, said)
	}
	there(t)
}

func TestDownOfWhatCameMeanwhile(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=1")
	bootDomain(t, "core01")
	_, _, err := downOn(t, func(string) bool {
		mustUp(t, "prefix=web", "nodes=1")
		return true
	})
	if err == nil || !strings.Contains(err.Error(), "there are other nodes than a moment ago; nothing was removed\nhint: ") {
		t.Errorf("got %v", err)
	}
	there(t, "core01", "web01")
}

func TestDownWithNobodyToAsk(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=1")
	bootDomain(t, "core01")
	_, _, err := downOn(t, nil)
	if err == nil || !strings.Contains(err.Error(), "there is no terminal to ask on; nothing was removed\nhint: ") {
		t.Errorf("got %v", err)
	}
	there(t, "core01")
	if _, _, err = downOn(t, nil, "prefix=core"); err != nil {
		t.Error(err)
	}
	there(t)
	made := run(t, "nodes=1") // and not booted: there are no data
	through(t, made.Claim, made.Fetch, made.Transpile, made.Discovery, made.Render, made.Define)
	made.unlockAll()
	if _, asked, err := downOn(t, no); err != nil || asked != "" {
		t.Errorf("got %v, asked %q", err, asked)
	}
	there(t)
}

func TestDownPlanOnlyPrints(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=2")
	before := folders(t)
	said, asked, err := downOn(t, yes, "plan=true", "yes=true")
	if err != nil || asked != "" || !strings.HasSuffix(said, "; nothing was removed (plan=true)\n") || !strings.Contains(said, "core02   core ") || folders(t) != before {
		t.Errorf("got %v, asked %q\n%s", err, asked, said)
	}
	there(t, "core01", "core02")
	mustDown(t)
	if said, _, err := downOn(t, yes, "plan=true"); err != nil || said != "down: there are no nodes that would go\n" {
		t.Errorf("got %v\n%s", err, said)
	}
}

func TestAProtectedCluster(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=2", "protect=true")
	mustUp(t, "nodes=2") // and it stays so
	_, asked, err := downOn(t, yes)
	if err == nil || asked != "" || !strings.Contains(err.Error(), "the cluster core is protected (protect=true); nothing was removed\nhint: ") {
		t.Errorf("got %v, asked %q", err, asked)
	}
	bootDomain(t, "core02")
	for _, words := range [][]string{{"nodes=2", "recreate=all"}, {"nodes=2", "recreate=core02"}, {"nodes=1"}, {"nodes=2", "recreate=changed", "protect=true"}} {
		if said, err := up(t, words...); err == nil || !strings.Contains(err.Error(), "the cluster core is protected (protect=true) from ") {
			t.Errorf("%v: got %v\n%s", words, err, said)
		}
	}
	there(t, "core01", "core02")
	if _, err := up(t, "nodes=1", "protect=false"); err != nil {
		t.Error(err)
	}
	there(t, "core01")
	mustUp(t, "nodes=1", "protect=true")
	if _, _, err := downOn(t, nil, "prefix=core", "protect=false"); err != nil {
		t.Error(err)
	}
	there(t)
	if left := folders(t); left != "ignition-template.json" {
		t.Errorf("left are %s", left)
	}
}

func TestStopOfOneCluster(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=1")
	mustUp(t, "prefix=web", "nodes=1")
	stop := func(words ...string) error {
		r := run(t, append(words, "grace=1s")...)
		defer r.unlockAll()
		return Stop(t.Context(), r)
	}
	if err := stop(); err == nil || !strings.Contains(err.Error(), "this workspace has 2 clusters, core, web: stop is about one of them\nhint: ") {
		t.Errorf("got %v", err)
	}
	running := func(name string) bool { return theDomain(t, name).InUse() }
	if !running("core01") || !running("web01") {
		t.Error("a node was stopped")
	}
	if err := stop("node=web01"); err != nil || running("web01") || !running("core01") {
		t.Errorf("node=web01: got %v", err)
	}
	if err := stop("all=true"); err != nil || running("core01") {
		t.Errorf("all=true: got %v", err)
	}
}

// TestTheLabOfAProtectedCluster: taking the lab apart would remove its clusters.
func TestTheLabOfAProtectedCluster(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=1", "protect=true")
	text, err := os.ReadFile("vm/core01/domain.xml")
	if err != nil {
		t.Fatal(err)
	}
	save(t, "vm/core01/domain.xml", strings.Replace(string(text), "test:///default", "lab test:///default", 1))
	if err := Labdown(t.Context(), run(t)); err == nil || !strings.Contains(err.Error(), "the cluster core is protected (protect=true); nothing was removed\nhint: ") || !strings.Contains(err.Error(), "labdown protect=false` removes it all the same") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat("vm/core01/leaving"); err == nil {
		t.Error("its disk may go")
	}
}
