//go:build cgo && libvirt_dlopen

package command

import (
	"os"
	"strings"
	"testing"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/terminal/question"
	"coreos-libvirt/internal/workspace"
)

// recoverOn is recovery of the nodes that run with somebody who answers, or nobody; asked is what was shown. The nodes of libvirt's test
// driver do not report themselves: they are where they were said to be.
func recoverOn(t *testing.T, answer func(shown string) bool, words ...string) (said, asked string, err error) {
	t.Helper()
	r := run(t, append(words, "recover=true")...)
	var ask question.Asker
	if answer != nil {
		ask = func(text string) (bool, error) {
			asked += text
			return answer(text), nil
		}
	}
	view := r.view()
	if view.Domains, err = r.domains(); err != nil {
		t.Fatal(err)
	}
	nodes := []boot.Node{}
	for _, node := range view.Options.Nodes {
		if report, _ := view.Reach.Kept(node.Name); view.Domains[node.Name].State == engine.Running {
			nodes = append(nodes, boot.Node{Step: plan.Step{Node: node}, Report: report})
		}
	}
	err = recoverEtcd(t.Context(), r, view, nodes, ask)
	return r.said(), asked, err
}

// TestRecoveryAsksBeforeAnythingIsLost, and does nothing while a majority may come back. That it makes a cluster is tested in
// internal/cluster/recovery.
func TestRecoveryAsksBeforeAnythingIsLost(t *testing.T) {
	stop := livingCluster(t, "core01", "core02", "core03")
	withoutSSH(t)
	if _, asked, err := recoverOn(t, yes); err == nil || asked != "" || !strings.Contains(err.Error(), "3 of its 3 members answer, which is a majority; nothing was changed\nhint: ") {
		t.Errorf("got %q, %v", asked, err)
	}
	if err := Etcd(t.Context(), run(t, "recover=true", "defrag=true", "remove=a")); err == nil || !strings.Contains(err.Error(), "remove=a and defrag=true and recover=true: these are 3 things\nhint: ") {
		t.Errorf("got %v", err)
	}
	stop(2)
	stop(3)
	silent := etcd.Status{Peers: etcd.Peers{{ID: "a"}}}
	if err := leaderless(run(t), silent, silent.Check(1)); err == nil || !strings.Contains(err.Error(), "if those are lost for good, `") || !strings.Contains(err.Error(), " etcd recover=true` makes a cluster of one that is left: etcd: 0 of 1 members are healthy") {
		t.Errorf("got %v", err)
	}
	halt(t, "core02")
	bootDomain(t, "core02")
	if _, asked, err := recoverOn(t, yes); err == nil || asked != "" || !strings.Contains(err.Error(), "have disks with which etcd may have its majority again: core02; nothing was changed\nhint: ") {
		t.Errorf("got %q, %v", asked, err)
	}
	shown := "etcd has lost its majority: 1 of its 3 members answer\n    core01 answers, has all up to revision 1\n    core03 does not answer: "
	if _, asked, err := recoverOn(t, no, "force=true"); err == nil || err.Error() != "nothing was changed\nhint: yes=true does not ask" || !strings.HasPrefix(asked, shown) ||
		!strings.Contains(asked, "\n    core02 cannot be asked: the node is shut off\ncore01 becomes a cluster of its own. ") || !strings.HasSuffix(asked, "\nGo on?") {
		t.Errorf("got %v, asked %s", err, asked)
	}
	if err := os.Remove(overlayOf("core02")); err != nil { // its disk is lost: no force is needed
		t.Fatal(err)
	}
	if _, _, err := recoverOn(t, nil); err == nil || !strings.HasPrefix(err.Error(), shown) || !strings.Contains(err.Error(), "\nnothing was changed: there is no terminal to ask on\nhint: `") || !strings.Contains(err.Error(), " recover=true yes=true` does not ask") {
		t.Errorf("got %v", err)
	}
	said, _, err := recoverOn(t, nil, "yes=true")
	if err == nil || !strings.Contains(err.Error(), "core01: it cannot be seen how its etcd runs: ssh to the node: exit status 255") || !strings.Contains(said, shown) {
		t.Errorf("got %v, said %s", err, said)
	}
	for _, name := range []string{"core01", "core02", "core03"} {
		if workspace.Exists("vm/" + name + "/fresh") {
			t.Errorf("%s is marked as one that may be recreated", name)
		}
	}
}
