//go:build lab

package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/testkit/distributor"
)

// TestDisaster takes two of three members from a cluster, with their disks.
func TestDisaster(t *testing.T) {
	onlyInFull(t)
	story(t, []part{
		{"a cluster of the one member that is left grows back to three", disaster},
		{"the lab goes", labGoes},
	})
}

// disaster loses the disks of two nodes when all three have all that was acknowledged: so nothing may be lost.
func disaster(t *testing.T, c clone) {
	l := startLoad(t, c, c.mage(t, "lab", "up", "nodes=3"), rest)
	time.Sleep(20 * rest)
	l.stop(t)
	before := l.keys(t) // a linearizable read, of the first
	loseDisks(t, c, "core02", "core03")
	if out, err := c.try("lab", "etcd"); err == nil || !strings.Contains(out, "recover=true` makes a cluster of one that is left") {
		t.Errorf("without a majority: got %v\n%s", err, out)
	}
	if out, err := c.try("lab", "etcd", "recover=true"); err == nil || !strings.Contains(out, "etcd has lost its majority: 1 of its 3 members answer\n    core01 answers, has all up to revision ") || !strings.Contains(out, "there is no terminal to ask on") {
		t.Errorf("nobody is asked: got %v\n%s", err, out)
	}
	begin := time.Now()
	recovers(t, c)
	t.Logf("recovered after %s", time.Since(begin).Round(time.Second))
	after := l.keys(t)
	for key, value := range before {
		if after[key] != value {
			t.Errorf("%s is lost", key)
		}
	}
	text, err := os.ReadFile(filepath.Join(l.dir, "acknowledged"))
	distributor.Must(t, err)
	if n := acknowledgedOf(string(text)); n < 5 || len(before) < n {
		t.Errorf("%d writes were acknowledged, there were %d", n, len(before))
	}
	if out := c.changes(t, "nodes=3"); len(readyNode.FindAllString(out, -1)) != 3 {
		t.Errorf("back to 3: got\n%s", out)
	}
	t.Logf("three again after %s", time.Since(begin).Round(time.Second))
	if out, err := c.try("lab", "etcd", "recover=true", "yes=true"); err == nil || !strings.Contains(out, "3 of its 3 members answer, which is a majority; nothing was changed") {
		t.Errorf("of a healthy cluster: got %v\n%s", err, out)
	}
}

// acknowledgedOf counts the keys that the writer has noted.
func acknowledgedOf(notes string) (count int) {
	for line := range strings.Lines(notes) {
		if n, err := strconv.Atoi(strings.Fields(line)[0]); err == nil && n > 0 {
			count++
		}
	}
	return count
}

// loseDisks ends the nodes, and removes their disks.
func loseDisks(t *testing.T, c clone, nodes ...string) {
	t.Helper()
	for _, node := range nodes {
		c.inLab(t, "virsh", "-q", "destroy", node)
		distributor.Must(t, os.Remove(filepath.Join(c.dir, "vm", node, node+".qcow2")))
	}
}

// recovers makes a cluster of the first node's member.
func recovers(t *testing.T, c clone) {
	t.Helper()
	if out := c.mage(t, "lab", "etcd", "recover=true", "yes=true"); !strings.Contains(out, "core01: etcd is healthy, with 1 member") {
		t.Errorf("got\n%s", out)
	}
	if out := c.unlessSlow(t, "context deadline exceeded", "lab", "etcd"); !strings.Contains(out, fmt.Sprintf("%-6s", "core01")) || strings.Count(out, " yes ") != 1 || strings.Contains(out, "core02") {
		t.Errorf("members: got\n%s", out)
	}
	if left := c.mage(t, "lab", "ssh", "node=core01", "cmd=systemctl show-environment | grep -c ETCD_ || true"); strings.TrimSpace(left) != "0" {
		t.Errorf("the service manager still has the variable: %s", left)
	}
}
