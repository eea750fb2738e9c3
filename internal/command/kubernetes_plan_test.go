//go:build cgo && libvirt_dlopen

package command

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/kubevirt"
	"coreos-libvirt/internal/etcd"
)

// kubeRun is a run about nodes on Kubernetes, which is not asked.
func kubeRun(t *testing.T, words ...string) *Run {
	t.Helper()
	r, err := NewAbout(append([]string{"engine=kubevirt", "nad=br0"}, words...), About{Cluster: true, Engines: true}, os.Stdout)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// onKube is what a run that gets the words would do with its nodes: machines and disks are the names of those that there are, members is
// what etcd's say, a letter each: a small one is not healthy.
func onKube(t *testing.T, machines, disks, members string, words ...string) string {
	t.Helper()
	r := kubeRun(t, append([]string{"ready=on"}, words...)...)
	p := kubePlan{}
	p.domains = map[string]engine.Domain{}
	for _, node := range r.ws().Nodes("core", 3) {
		mark := engine.Metadata{Workspace: r.Workspace, Cluster: "core", Number: node.Number, Ignition: "d", Definition: "d"}
		if strings.Contains(machines, node.Name) {
			p.domains[node.Name] = engine.Domain{Name: node.Name, UUID: node.UUID, State: engine.Running, Metadata: &mark}
		}
		if node.Number > r.Nodes {
			continue
		}
		p.want = append(p.want, plan.Blueprint{Doc: config.Document{Node: node}, Mark: mark, Joins: true})
		for kind, there := range map[string]string{"DataVolume": disks, "VirtualMachine": machines} {
			action := kubevirt.Create
			if strings.Contains(there, node.Name) {
				action = kubevirt.Keep
			}
			p.objects = append(p.objects, kubevirt.Step{Action: action, Kind: kind, Name: node.Name, Node: node.Name})
		}
	}
	e := plan.Etcd{Exists: true, Formed: true, Asked: true}
	for i, letter := range members {
		m := etcd.Member{Name: fmt.Sprintf("core%02d", i+1), ID: fmt.Sprint(i + 1), Leader: "1", Healthy: letter < 'a', Version: "3.6.1"}
		e.Status.Members = append(e.Status.Members, m)
		e.Status.Peers = append(e.Status.Peers, etcd.Peer{Name: m.Name, ID: m.ID, URLs: []string{"http://10.0.0." + m.ID + ":2380"}})
	}
	o := planOptions(r.Settings)
	var err error
	if p.plan, err = plan.Make(p.want, foundOnKubernetes(r, p, o), o, e); err == nil {
		err = carriesOut(r, p)
	}
	if err != nil {
		return err.Error()
	}
	said := []string{}
	for _, s := range p.plan.All() {
		said = append(said, string(s.Action))
	}
	return strings.Join(said, " ")
}

// TestNodesOnKubernetes come and go as on libvirt, and their members of etcd with them.
func TestNodesOnKubernetes(t *testing.T) {
	inClone(t)
	const all = "core01 core02 core03"
	for _, c := range []struct{ machines, disks, members, words, want string }{
		{"", "", "", "nodes=3", "create create create"},
		{all, all, "ABC", "nodes=3", "keep keep keep"},
		{"core01 core02", "core01 core02", "AB", "nodes=3", "keep keep create"},
		{all, all, "ABC", "nodes=2", "keep keep remove"},
		{all, all, "ABc", "nodes=2", "keep keep remove"},
		{all, all, "AbC", "nodes=2", "while etcd is not healthy no member is added, replaced or taken out"},
		{all, all, "ABC", "nodes=3 recreate=core02", "keep recreate keep"},
		{all, all, "ABc", "nodes=3 recreate=core02", "while etcd is not healthy"},
		{all, all, "", "nodes=3 recreate=core02", "no member of etcd answers"},
		{"core01 core03", "core01 core03", "AbC", "nodes=3", "keep recreate keep"}, // somebody has deleted the node with its disk
		{"core01 core03", all, "AbC", "nodes=3", "keep redefine keep"},             // and here without
		{all, all, "ABC", "nodes=3 recreate=core01,core02 parallel=true", "parallel=true: etcd would lose its quorum"},
		{all, all, "ABC", "nodes=3 recreate=core01,core02,core03 parallel=true force=true", "all members of etcd would be made again at once: with engine=kubevirt"},
	} {
		if got := onKube(t, c.machines, c.disks, c.members, strings.Fields(c.words)...); !strings.HasPrefix(got, c.want) || !strings.Contains(c.want, " etcd ") && !strings.Contains(got, ": ") && got != c.want {
			t.Errorf("%s: there are %q, disks of %q, members %s: got %q, want %q", c.words, c.machines, c.disks, c.members, got, c.want)
		}
	}
}

// TestANodeIsOfOneEngine: folders of nodes on libvirt are left alone, and only nodes that were made count for a token.
func TestANodeIsOfOneEngine(t *testing.T) {
	inClone(t)
	r := kubeRun(t, "nodes=2")
	if err := notOnLibvirt(r); err != nil || hasNodes(r) {
		t.Fatalf("nothing is there: got %v, %t", err, hasNodes(r))
	}
	save(t, "vm/core02/made.json", "{}")
	if err := notOnLibvirt(r); err != nil || !hasNodes(r) {
		t.Errorf("a node was made: got %v, %t", err, hasNodes(r))
	}
	save(t, "vm/core02/domain.xml", "<domain/>")
	if err := notOnLibvirt(r); err == nil || !strings.Contains(err.Error(), "core02: there is such a node on libvirt") || hasNodes(r) {
		t.Errorf("it is on libvirt: got %v, %t", err, hasNodes(r))
	}
	if err := removeRendered(r.members()[1]); err != nil || contents(t, "vm/core02/domain.xml") != "<domain/>" {
		t.Errorf("got %v", err)
	}
}
