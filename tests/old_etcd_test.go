//go:build lab

package tests

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"coreos-libvirt/internal/upstream"
)

// TestOldEtcd has members of etcd 3.5, which find each other by v2 discovery, on Flatcar.
func TestOldEtcd(t *testing.T) {
	onlyInFull(t)
	story(t, []part{
		{"the script's config gives three members by v2 discovery, and cannot grow", seedForms},
		{"a cluster of v2 discovery grows to four, and a member is replaced", oldGrows},
		{"the lab goes", labGoes},
	})
}

// isOfVersion fails unless there are so many healthy members, all of the version.
func isOfVersion(t *testing.T, out string, count int, version string) {
	t.Helper()
	of := regexp.MustCompile(`(?m)^core\d\d .* healthy, (leader, )?` + regexp.QuoteMeta(strings.TrimPrefix(version, "v")) + `\b`)
	if len(of.FindAllString(out, -1)) != count {
		t.Fatalf("want %d healthy members of etcd %s, got\n%s", count, version, out)
	}
}

// seedForms is the example that the script came with: its only word of discovery is the URL, by which a cluster forms and none grows.
func seedForms(t *testing.T, c clone) {
	words := []string{"config=ignition/examples/seed-etcd.yml", "image=lab-flatcar"}
	isOfVersion(t, c.mage(t, append([]string{"lab", "up", "nodes=3"}, words...)...), 3, upstream.OldEtcdVersion)
	journal := c.mage(t, "lab", "ssh", "node=core02", "cmd=sudo journalctl -b -u etcd-member --no-pager")
	for _, want := range []string{"image tag " + upstream.OldEtcdVersion, "/v2/keys/discovery/", "found peers from discovery server"} {
		if !strings.Contains(journal, want) {
			t.Errorf("no %q in etcd-member's journal\n%s", want, journal)
		}
	}
	boots := c.boots(t)
	out, err := c.try(append([]string{"lab", "up", "nodes=4"}, words...)...)
	if err == nil || !strings.Contains(out, "the config does not say how a member joins an etcd that there is: the word Etcd_Discovery_Flags is missing\nhint: ") || c.boots(t) != boots {
		t.Errorf("a fourth: got %v\n%s", err, out)
	}
	c.mage(t, "lab", "down", "all=true", "yes=true")
}

// oldGrows is Flatcar's example with its own unit's version of etcd.
func oldGrows(t *testing.T, c clone) {
	const example, own = "ignition/examples/etcd-flatcar.yml", "ignition/examples/etcd-flatcar-old.yml"
	text := c.read(t, example)
	old := regexp.MustCompile(`ETCD_IMAGE_TAG=v3\.6\.\d+`).ReplaceAllString(text, "ETCD_IMAGE_TAG="+upstream.OldEtcdVersion)
	if old == text {
		t.Fatal("the example does not name an image of etcd 3.6")
	}
	c.write(t, own, old)
	up := func(count int, words ...string) string {
		t.Helper()
		out := c.changes(t, append([]string{fmt.Sprintf("nodes=%d", count), "config=" + own, "image=lab-flatcar", "discovery=embedded-v2"}, words...)...)
		isOfVersion(t, out, count, upstream.OldEtcdVersion)
		return out
	}
	up(3)
	for _, node := range []string{"core01", "core02", "core03"} {
		if flags := c.read(t, "vm/"+node+"/ignition.json"); !strings.Contains(flags, "--discovery=http://10.77.0.") {
			t.Errorf("%s does not form by v2 discovery", node)
		}
	}
	if out := up(4); !strings.Contains(out, "core04: joins etcd as a learner") {
		t.Errorf("to 4: got\n%s", out)
	}
	if out := up(4, "recreate=core02"); !strings.Contains(out, "core02: has left etcd") {
		t.Errorf("recreate=core02: got\n%s", out)
	}
	c.mage(t, "lab", "down", "all=true", "yes=true")
}
