//go:build lab

package tests

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"coreos-libvirt/internal/testkit/pace"
)

// TestGroups is the story of a control plane and workers that one file declares.
func TestGroups(t *testing.T) {
	onlyInFull(t)
	story(t, []part{
		{"three of a control plane and two workers from one file", grouped},
		{"again: there is nothing to do", groupedAgain},
		{"the workers' config changes, and one of them is recreated", workerChanges},
		{"an edit of the file is one worker more", workersGrow},
		{"down leaves nothing", groupedDown},
		{"the lab goes", labGoes},
	})
}

const (
	groupedFile = `groups:
  control: {nodes: 3}
  worker: {nodes: %d, config: ignition/worker.yml, ram: 768}
`
	workerConfig = `variant: fcos
version: 1.5.0
passwd: {users: [{name: core, ssh_authorized_keys: [SSH_Authorized_Key]}]}
storage:
  files:
    - {path: /etc/hostname, mode: 0644, contents: {inline: Node_Name}}
    - {path: /srv/group, contents: {inline: 'Group_Name Node_Number'}}
`
)

var (
	controls = []string{"core-control01", "core-control02", "core-control03"}
	workers  = []string{"core-worker01", "core-worker02"}
)

// memberLine and workerLine are of the table that `up` ends with.
var (
	memberLine = regexp.MustCompile(`(?m)^core-control\d\d +core-control\d\d +10\.77\.0\.\d+ +\S+ +healthy, (leader, )?3\.`)
	workerLine = regexp.MustCompile(`(?m)^core-worker\d\d +core-worker\d\d +10\.77\.0\.\d+ +\S+`)
)

// showsAll looks for the line of each node at the end of `up`.
func showsAll(t *testing.T, out string, workers int) {
	t.Helper()
	if len(memberLine.FindAllString(out, -1)) != len(controls) || len(workerLine.FindAllString(out, -1)) != workers {
		t.Errorf("%d members and %d workers were to be ready, got\n%s", len(controls), workers, out)
	}
}

// bootOf is what the kernel of each node calls its boot.
func (c clone) bootOf(t *testing.T, nodes ...string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, node := range nodes {
		found[node] = c.mage(t, "lab", "ssh", "node="+node, "cmd=cat /proc/sys/kernel/random/boot_id")
	}
	return found
}

func grouped(t *testing.T, c clone) {
	c.env = append(c.env, "COREOS_TIMEOUT="+pace.Limit(600).String()) // five guests share the processors
	c.write(t, "ignition/worker.yml", workerConfig)
	c.write(t, "clusters/core.yml", fmt.Sprintf(groupedFile, len(workers)))
	showsAll(t, c.mage(t, "lab", "up"), len(workers))
	if got := c.mage(t, "lab", "ssh", "node=core-worker02", "cmd=cat /srv/group; echo; hostname; pgrep -c etcd; free -m | awk '/Mem:/ {print ($2 < 768)}'"); got != "worker 2\ncore-worker02\n0\n1\n" {
		t.Errorf("the worker says %q", got)
	}
}

func groupedAgain(t *testing.T, c clone) {
	out := c.mage(t, "lab", "up")
	showsAll(t, out, len(workers))
	if strings.Count(out, "running and ready, 10.77.0.") != len(controls)+len(workers) || strings.Contains(out, "booting") {
		t.Errorf("got\n%s", out)
	}
}

func workerChanges(t *testing.T, c clone) {
	others := append([]string{workers[0]}, controls...)
	before := c.bootOf(t, others...)
	c.write(t, "ignition/worker.yml", workerConfig+"    - {path: /srv/new, contents: {inline: 'of Node_Name'}}\n")
	out := c.changes(t, "recreate="+workers[1])
	showsAll(t, out, len(workers))
	if !strings.Contains(out, workers[1]+": recreated") || !strings.Contains(out, "1 node runs an older config: ") {
		t.Errorf("got\n%s", out)
	}
	if got := c.mage(t, "lab", "ssh", "node="+workers[1], "cmd=cat /srv/new"); strings.TrimSpace(got) != "of "+workers[1] {
		t.Errorf("the worker says %q", got)
	}
	out = c.changes(t, "recreate=changed")
	if showsAll(t, out, len(workers)); strings.Count(out, ": recreated") != 1 {
		t.Errorf("the other worker was the only one that had changed, got\n%s", out)
	}
	delete(before, workers[0])
	c.wereNotBooted(t, before)
}

func workersGrow(t *testing.T, c clone) {
	before := c.bootOf(t, append(workers, controls...)...)
	c.write(t, "clusters/core.yml", fmt.Sprintf(groupedFile, len(workers)+1))
	out := c.mage(t, "lab", "up")
	if showsAll(t, out, len(workers)+1); strings.Count(out, "booting") != 1 {
		t.Errorf("got\n%s", out)
	}
	c.wereNotBooted(t, before)
}

// wereNotBooted compares nodes' boots with those before.
func (c clone) wereNotBooted(t *testing.T, before map[string]string) {
	t.Helper()
	for node, boot := range before {
		if now := c.bootOf(t, node)[node]; now != boot {
			t.Errorf("%s was booted: %q, then %q", node, boot, now)
		}
	}
}

func groupedDown(t *testing.T, c clone) {
	c.mage(t, "lab", "down", "yes=true")
	if left := c.inLab(t, "virsh", "-q", "list", "--all", "--name"); strings.TrimSpace(left) != "" {
		t.Errorf("there are still %q", left)
	}
}
