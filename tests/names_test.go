//go:build lab

package tests

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestNodesThatDNSKnows: their addresses are known before they boot, so etcd forms of them, and a node that joins boots once.
func TestNodesThatDNSKnows(t *testing.T) {
	onlyInFull(t)
	story(t, []part{
		{"a cluster of the addresses that names have", known("discovery=static")},
		{"a run that is killed before the first boot, and a node that does not come", notCome},
		{"one whose addresses nobody knows takes two boots a node", joinsWithTwoBoots},
		{"a cluster of SRV records", known("discovery=srv:example.org")},
		{"the lab goes", labGoes},
	})
}

// known has a cluster of three form by DNS, a member replaced, and two more come: each boots once.
func known(way string) func(*testing.T, clone) {
	return func(t *testing.T, c clone) {
		if out := c.mage(t, "lab", "up", "nodes=3", way); len(readyNode.FindAllString(out, -1)) != 3 {
			t.Fatalf("got\n%s", out)
		}
		if out := c.changes(t, "nodes=3", "recreate=core02"); len(readyNode.FindAllString(out, -1)) != 3 || !strings.Contains(out, "core02: has left etcd") {
			t.Errorf("recreate=core02: got\n%s", out)
		}
		out, boots, took := grows(t, c, 5)
		if boots != 2 || strings.Count(out, ": will join etcd with its first boot, at 10.77.0.2") != 2 || strings.Contains(out, ": recreated") {
			t.Errorf("3 to 5: %d boots, got\n%s", boots, out)
		}
		t.Logf("%s: 3 to 5 in %s", way, took)
		c.mage(t, "lab", "down", "all=true", "yes=true")
	}
}

// grows is a cluster that gets so many nodes: what was said, how many boots it took, and how long.
func grows(t *testing.T, c clone, nodes int) (out string, boots int, took time.Duration) {
	t.Helper()
	before, begin := c.boots(t), time.Now()
	out = c.changes(t, fmt.Sprintf("nodes=%d", nodes))
	if len(readyNode.FindAllString(out, -1)) != nodes {
		t.Errorf("to %d: got\n%s", nodes, out)
	}
	return out, c.boots(t) - before, time.Since(begin).Round(time.Second)
}

// notCome has a learner whose node never boots: it goes with the next run, or with the run itself if that sees it.
func notCome(t *testing.T, c clone) {
	c.mage(t, "lab", "up", "nodes=3", "discovery=static")
	killAfter(t, c, "core04: joins etcd as a learner", 0, "nodes=4")
	if out := c.changes(t, "nodes=3"); len(readyNode.FindAllString(out, -1)) != 3 {
		t.Errorf("back to 3: got\n%s", out)
	}
	if out := c.mage(t, "lab", "etcd"); strings.Count(out, " yes ") != 3 || strings.Contains(out, "learner") {
		t.Errorf("etcd: got\n%s", out)
	}
	cmd := c.command("lab", "up", "nodes=4")
	said := waitFor(t, cmd, "core04: booting")
	c.inLab(t, "virsh", "-q", "destroy", "core04")
	if err := cmd.Wait(); err == nil || !strings.Contains(said(), "core04: was expected at 10.77.0.2") || !strings.Contains(said(), "its member was taken out of etcd again, which has 3 members") {
		t.Errorf("got %v\n%s", err, said())
	}
	if out := c.changes(t, "nodes=4"); len(readyNode.FindAllString(out, -1)) != 4 {
		t.Errorf("to 4, at last: got\n%s", out)
	}
	c.mage(t, "lab", "down", "all=true", "yes=true")
}

// joinsWithTwoBoots is what the others are compared with.
func joinsWithTwoBoots(t *testing.T, c clone) {
	c.mage(t, "labdown") // which knows names by now
	c.mage(t, "lab", "up", "nodes=3")
	out, boots, took := grows(t, c, 5)
	if boots != 4 || strings.Count(out, ": recreated") != 2 {
		t.Errorf("3 to 5: %d boots, got\n%s", boots, out)
	}
	t.Logf("discovery=embedded: 3 to 5 in %s", took)
	c.mage(t, "lab", "down", "all=true", "yes=true")
}
