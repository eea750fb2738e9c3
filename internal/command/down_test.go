//go:build cgo && libvirt_dlopen

package command

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// down is `mage down`, and what it printed.
func down(t testing.TB, words ...string) (string, error) {
	t.Helper()
	r := run(t, words...)
	defer r.unlockAll()
	err := r.Down(t.Context())
	return r.said(), err
}

func mustDown(t testing.TB, words ...string) string {
	t.Helper()
	said, err := down(t, words...)
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	return said
}

func TestDownOfAPrefixThatBeginsAnother(t *testing.T) {
	inClone(t)
	mustUp(t, "prefix=web1", "nodes=1")
	mustUp(t, "prefix=web", "nodes=1")
	bootDomain(t, "web101")
	if run(t).at().AnyMember("web1") != true || run(t).at().AnyMember("we") {
		t.Error("whose node is web101?")
	}
	if err := os.RemoveAll("vm/web01"); err != nil {
		t.Fatal(err)
	}
	if run(t).at().AnyMember("web") {
		t.Error("web101 is a node of web1")
	}
	save(t, "vm/web102/ignition.json", "{}") // rendered only: of web's 102nd node, or of web1's second
	save(t, "vm/notes2024/todo", "mine")
	mustDown(t, "prefix=web")
	if left := folders(t); left != "ignition-template.json notes2024 timeline.web1.json web101 web102" {
		t.Errorf("left are %s", left)
	}
	keepsData(t, "web101")
	if theDomain(t, "web101").Name == "" || theDomain(t, "web01").Name != "" {
		t.Error("the wrong domain was removed")
	}
	mustDown(t)
	if left := folders(t); left != "notes2024" {
		t.Errorf("left are %s", left)
	}
}

func TestDownSaysWhatGoesAndShowsAllErrors(t *testing.T) {
	inClone(t)
	mustUp(t)
	bootDomain(t, "core01")
	bootDomain(t, "core02")
	said := mustDown(t)
	goes := strings.Index(said, "core01: goes: its domain, running; its disk, ")
	if removed := strings.Index(said, "domain removed"); goes < 0 || removed < goes {
		t.Errorf("got\n%s", said)
	}
	mustUp(t)
	bootDomain(t, "core01")
	bootDomain(t, "core02")
	lost(t, "core01")
	lost(t, "core02")
	_, err := down(t)
	if err == nil || !strings.Contains(err.Error(), "core01: ") || !strings.Contains(err.Error(), "core02: ") {
		t.Errorf("got %v", err)
	}
}

func TestTheArchiveHasNodesThatWereTakenBack(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=1")
	lost(t, "core01")
	for _, path := range []string{overlayOf("core01"), "vm/core01/domain.xml", "vm/core01/defined.xml"} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	save(t, "vm/core01/console.log", "why it failed")
	mustDown(t, "archive=kept.tar.gz")
	out, err := exec.Command("tar", "-xzOf", "kept.tar.gz", "core01/console.log").CombinedOutput()
	if err != nil || string(out) != "why it failed" {
		t.Errorf("got %v\n%s", err, out)
	}
}

func TestDownOfAllWaitsForAllClusters(t *testing.T) {
	inClone(t)
	save(t, "vm/.lock.rendered", "1\n")
	r := run(t)
	defer r.unlockAll()
	domains, err := r.domains()
	if got := r.ws().Prefixes(r.Prefix, domains); err != nil || !slices.Contains(got, "rendered") {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestDownOfOneClusterLeavesNothingOfIt(t *testing.T) {
	inClone(t)
	mustUp(t, "prefix=other", "nodes=1")
	mustUp(t, "prefix=core")
	r := run(t, "prefix=core")
	if err := Timeline(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	mustDown(t, "prefix=core")
	if got := folders(t); got != "ignition-template.json other01 timeline.other.json" {
		t.Errorf("left are %s", got)
	}
}

func TestDownKeepsAnArchive(t *testing.T) {
	inClone(t)
	mustUp(t)
	mustDown(t, "archive=kept.tar.gz")
	out, err := exec.Command("tar", "-tzf", "kept.tar.gz").CombinedOutput()
	if err != nil || string(out) != "core01/console.log\ncore01/ignition.json\ncore01/domain.xml\ncore02/console.log\ncore02/ignition.json\ncore02/domain.xml\n" {
		t.Errorf("got %v\n%s", err, out)
	}
	mustUp(t)
	if _, err := down(t, "archive=kept.tar.gz"); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("an archive is overwritten: %v", err)
	}
	plans(t, 0, "core01 unchanged defined, unchanged\ncore02 unchanged defined, unchanged") // nothing was removed
}
