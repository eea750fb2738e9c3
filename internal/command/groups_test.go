//go:build cgo && libvirt_dlopen

package command

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
)

// declareGroups writes a cluster file with groups control and worker. more is what stands below worker.
func declareGroups(t *testing.T, control, worker int, more ...string) {
	t.Helper()
	text := fmt.Sprintf("config: plain.yml\nimage: base.qcow2\ngroups:\n  control: {nodes: %d}\n  worker:\n    nodes: %d\n    config: worker.yml\n    image: other.qcow2\n    ram: 512\n", control, worker)
	save(t, "clusters/core.yml", text+strings.Join(more, ""))
}

const worker = "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /etc/w, contents: {inline: 'Group_Name Node_Number of Group_Count, Node_Count'}}]}\n"

// groupedClone is a clone with a second image and config, and a cluster file of so many nodes in two groups.
func groupedClone(t *testing.T, controls, workers int) {
	t.Helper()
	inClone(t)
	for _, key := range []string{"COREOS_IMAGE", "COREOS_CONFIG", "COREOS_NODES"} {
		if err := os.Unsetenv(key); err != nil { // inClone's t.Setenv puts it back
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", "other.qcow2", "32M").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	save(t, "worker.yml", worker)
	declareGroups(t, controls, workers)
}

// lines are a plan's lines, of nodes that are alike.
func lines(what string, nodes ...string) string {
	all := []string{}
	for _, node := range nodes {
		all = append(all, node+" "+what)
	}
	return strings.Join(all, "\n")
}

func backingOf(t *testing.T, node string) string {
	t.Helper()
	return filepath.Base(theDomain(t, node).Metadata.Base)
}

const same = "unchanged defined, unchanged"

func TestGroups(t *testing.T) {
	groupedClone(t, 3, 2)
	controls, workers := []string{"core-control01", "core-control02", "core-control03"}, []string{"core-worker01", "core-worker02"}
	all := slices.Concat(controls, workers)
	plans(t, 2, lines("create new", all...))
	mustUp(t)
	plans(t, 0, lines(same, all...))
	if said := mustUp(t); strings.Contains(said, "booting") || strings.Contains(said, "new") {
		t.Errorf("nothing is to be done, got\n%s", said)
	}
	w, c := theDomain(t, "core-worker02"), theDomain(t, "core-control02")
	if w.Metadata.Group != "worker" || w.Metadata.Number != 2 || w.Metadata.Cluster != "core" || w.Machine.Memory != 512 || c.Machine.Memory != 2048 ||
		backingOf(t, "core-worker01") != "other.qcow2" || backingOf(t, "core-control01") != "base.qcow2" || w.MACs[0] != workspace.MAC("core-worker02") {
		t.Errorf("got %+v, %+v", w.Metadata, c.Metadata)
	}
	if text := contents(t, "vm/core-worker02/ignition.json"); !strings.Contains(text, "worker%202%20of%202%2C%205") {
		t.Errorf("got %s", text)
	}
	if !strings.Contains(w.XML, `group="worker"`) {
		t.Errorf("the mark is in %s", w.XML)
	}

	save(t, "worker.yml", strings.Replace(worker, "/etc/w", "/etc/v", 1)) // the workers' config alone
	drifted := "outdated defined, unchanged; ignition.json changed since it was made: `… recreate=changed` recreates it"
	plans(t, 2, lines(same, controls...)+"\n"+lines(drifted, workers...))
	bootDomain(t, "core-worker01")
	plans(t, 2, lines(same, controls...)+"\n"+lines("recreate ignition.json changed", workers...), "recreate=changed")
	if said := mustUp(t, "recreate=changed"); strings.Contains(said, "control01: recreated") || !strings.Contains(said, "core-worker01: recreated") || !strings.Contains(said, "core-worker02: recreated") {
		t.Errorf("got\n%s", said)
	}
	if backingOf(t, "core-worker01") != "other.qcow2" {
		t.Error("it was recreated on another group's image")
	}
	plans(t, 0, lines(same, all...))
	if said := mustUp(t, "recreate=core-control02,core-worker01"); strings.Count(said, ": recreated") != 2 {
		t.Errorf("got\n%s", said)
	}
	if _, err := New([]string{"recreate=core-worker03"}, os.Stdout); err == nil || !strings.Contains(err.Error(), "is not a node of this cluster") ||
		!strings.Contains(err.Error(), "names from core-control01 to core-control03, from core-worker01 to core-worker02, with commas") {
		t.Errorf("got %v", err)
	}
}

// TestGroupsGrowAndShrink by an edit of the file.
func TestGroupsGrowAndShrink(t *testing.T) {
	groupedClone(t, 1, 1)
	save(t, "worker.yml", strings.Replace(worker, " of Group_Count, Node_Count", "", 1)) // else numbers change documents
	mustUp(t)
	declareGroups(t, 1, 3)
	plans(t, 2, lines(same, "core-control01", "core-worker01")+"\n"+lines("create new", "core-worker02", "core-worker03"))
	mustUp(t)
	declareGroups(t, 1, 2)
	plans(t, 2, lines(same, "core-control01", "core-worker01", "core-worker02")+"\ncore-worker03 remove the group worker has nodes: 2")
	mustUp(t)
	if workspace.Exists("vm/core-worker03") || len(clusterNodes(t)) != 3 {
		t.Errorf("there are %v", clusterNodes(t))
	}
	save(t, "clusters/core.yml", "config: plain.yml\nimage: base.qcow2\ngroups:\n  control: {nodes: 1}\n")
	plans(t, 2, lines(same, "core-control01")+"\ncore-worker02 remove there is no group worker any more\ncore-worker01 remove there is no group worker any more")
	mustUp(t)
	if got := clusterNodes(t); len(got) != 1 || got[0] != "core-control01" {
		t.Errorf("there are %v", got)
	}

	if err := os.Remove("clusters/core.yml"); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t)
	words := []string{"image=base.qcow2", "config=plain.yml", "nodes=1"}
	for range 2 { // without the file nothing says that the groups' nodes shall go
		said, err := up(t, words...)
		if err == nil || !strings.Contains(err.Error(), "the cluster core has nodes in groups (control), and no groups are declared for it\nhint: clusters/core.yml declares them") {
			t.Fatalf("got %v\n%s", err, said)
		}
		words = append(words, "recreate=all")
	}
	if got := clusterNodes(t); len(got) != 1 || !strings.HasPrefix(snapshot(t), before[:20]) {
		t.Errorf("there are %v", got)
	}
	r := run(t, "prefix=core", "yes=true")
	defer r.unlockAll()
	if err := Down(t.Context(), r); err != nil || len(clusterNodes(t)) > 0 || workspace.Exists("vm/core-control01") {
		t.Errorf("got %v, %v", err, clusterNodes(t))
	}
}

func clusterNodes(t *testing.T) (names []string) {
	t.Helper()
	r := run(t)
	domains, err := r.domains()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range r.ws().Members(domains, "core") {
		names = append(names, d.Name)
	}
	return names
}

// TestSingleNodes differ on top of their group.
func TestSingleNodes(t *testing.T) {
	groupedClone(t, 1, 2)
	declareGroups(t, 1, 2, "nodes:\n  core-worker02: {ram: 768, image: base.qcow2, var: {Its_Word: two}}\n")
	save(t, "worker.yml", strings.Replace(worker, "Group_Name", "Its_Word", 1))
	save(t, "vars.yml", "Its_Word: of the file\n")
	mustUp(t)
	one, two := theDomain(t, "core-worker01"), theDomain(t, "core-worker02")
	if one.Machine.Memory != 512 || two.Machine.Memory != 768 || backingOf(t, one.Name) != "other.qcow2" || backingOf(t, two.Name) != "base.qcow2" {
		t.Errorf("got %d, %d", one.Machine.Memory, two.Machine.Memory)
	}
	if text := contents(t, "vm/core-worker01/ignition.json"); !strings.Contains(text, "of%20the%20file%201") {
		t.Errorf("got %s", text)
	}
	if text := contents(t, "vm/core-worker02/ignition.json"); !strings.Contains(text, "two%202") {
		t.Errorf("got %s", text)
	}
	plans(t, 2, "core-control01 redefine the domain's definition changed: ram 2048 → 1024 MiB; it takes effect with `mage restart`\n"+
		"core-worker01 redefine the domain's definition changed: ram 512 → 1024 MiB; it takes effect with `mage restart`\n"+
		"core-worker02 redefine the domain's definition changed: ram 768 → 1024 MiB; it takes effect with `mage restart`", "ram=1024") // a word counts more
}

// TestImagesOfGroups: a group's image that is gone keeps only its nodes from booting, and prune keeps all images in use.
func TestImagesOfGroups(t *testing.T) {
	groupedClone(t, 1, 1)
	mustUp(t)
	for _, name := range []string{"core-control01", "core-worker01"} {
		if err := run(t).domainsOff(t, name); err != nil {
			t.Fatal(err)
		}
		bootDomain(t, name)
	}
	if err := os.Rename("other.qcow2", "moved.qcow2"); err != nil {
		t.Fatal(err)
	}
	save(t, "clusters/core.yml", strings.ReplaceAll(contents(t, "clusters/core.yml"), "other.qcow2", "base.qcow2"))
	p, err := saysPlan(t)
	if err != nil {
		t.Fatal(err)
	}
	if p.Steps[0].Refused.What != "" || !strings.Contains(p.Steps[1].Refused.What, "other.qcow2 is gone") {
		t.Errorf("got %+v", p.Steps)
	}
	said, err := up(t, "recreate=core-worker01")
	if err != nil || backingOf(t, "core-worker01") != "base.qcow2" {
		t.Errorf("got %v\n%s", err, said)
	}
}

// domainsOff ends a domain.
func (r *Run) domainsOff(t *testing.T, name string) error {
	t.Helper()
	if _, err := r.libvirt(); err != nil {
		return err
	}
	return r.conn.Destroy(name)
}

// TestPruneKeepsTheImagesOfAllGroups, and a run holds all of its images.
func TestPruneKeepsTheImagesOfAllGroups(t *testing.T) {
	groupedClone(t, 1, 1)
	dir := run(t).Store
	for _, name := range []string{"base.qcow2", "other.qcow2"} {
		text := contents(t, name)
		save(t, filepath.Join(dir, name), text)
	}
	save(t, "clusters/core.yml", strings.NewReplacer("base.qcow2", filepath.Join(dir, "base.qcow2"), "other.qcow2", filepath.Join(dir, "other.qcow2")).Replace(contents(t, "clusters/core.yml")))
	r := run(t)
	through(t, r.Claim, r.Fetch)
	if err := Prune(t.Context(), run(t)); err == nil || !strings.Contains(err.Error(), "is about to use an image of the store") {
		t.Errorf("prune while a run has fetched its images: got %v", err)
	}
	r.unlockAll()
	mustUp(t)
	r = run(t)
	if err := Prune(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"base.qcow2", "other.qcow2"} {
		if !workspace.Exists(filepath.Join(dir, name)) {
			t.Errorf("%s is gone", name)
		}
	}
}

// TestTwoClustersWithNamesAlike: core-worker01 is a node of the group worker of core, or of a cluster core-worker.
func TestTwoClustersWithNamesAlike(t *testing.T) {
	groupedClone(t, 1, 1)
	words := []string{"prefix=core-worker", "nodes=1", "image=base.qcow2", "config=plain.yml"}
	mustUp(t)
	before, domain := filesOf(t, "core-worker01"), theDomain(t, "core-worker01")
	if _, err := up(t, words...); err == nil || !strings.Contains(err.Error(), "core-worker01: the domain belongs to the cluster core; it is left alone\nhint: choose another prefix=") {
		t.Errorf("got %v", err)
	}
	if _, err := saysPlan(t, words...); err == nil {
		t.Error("plan does not say so")
	}
	r := run(t, "prefix=core-worker", "yes=true")
	if err := Down(t.Context(), r); err != nil {
		t.Error(err)
	}
	r.unlockAll()
	if now := theDomain(t, "core-worker01"); now.UUID != domain.UUID || now.State != engine.Running || filesOf(t, "core-worker01") != before {
		t.Errorf("the other cluster's node was changed: %+v", now)
	}

	if err := run(t).gone(t, domain.UUID); err != nil { // the domain, its folder stays
		t.Fatal(err)
	}
	bootDomain(t, "core-worker01")
	before = filesOf(t, "core-worker01")
	if _, err := up(t, words...); err == nil || !strings.Contains(err.Error(), "core-worker01: vm/core-worker01 is of a node of the cluster core; it is left alone") {
		t.Errorf("got %v", err)
	}
	r = run(t, "prefix=core-worker", "yes=true")
	_ = Down(t.Context(), r)
	r.unlockAll()
	if filesOf(t, "core-worker01") != before {
		t.Error("the other cluster's folder was changed")
	}
	mustUp(t)
	keepsData(t, "core-worker01")
}

func (r *Run) gone(t *testing.T, uuid string) error {
	t.Helper()
	if _, err := r.libvirt(); err != nil {
		return err
	}
	return r.conn.Remove(uuid, r.Workspace)
}

// TestMembersOfGroups: etcd's members are the nodes whose config has a word of discovery. The token is for so many, and workers come
// and go without a new one.
func TestMembersOfGroups(t *testing.T) {
	groupedClone(t, 3, 2)
	save(t, "plain.yml", withEtcd)
	t.Setenv("COREOS_DISCOVERY", "static")
	t.Setenv("COREOS_ADDRESSES", strings.Join([]string{addressOf(1), addressOf(2), addressOf(3)}, ","))
	mustUp(t)
	token := contents(t, "vm/discovery.url.core")
	if !strings.Contains(token, "\nsize=3\n") || strings.Contains(token, "worker") || !strings.Contains(token, "core-control03=http://"+addressOf(3)) {
		t.Errorf("the token is %s", token)
	}
	for node, member := range map[string]bool{"core-control01": true, "core-control03": true, "core-worker01": false, "core-worker02": false} {
		if got := theDomain(t, node).Metadata.IsMember(); got != member {
			t.Errorf("%s: a member is %t", node, got)
		}
	}
	declareGroups(t, 3, 1)
	for range 2 {
		mustUp(t)
		if now := contents(t, "vm/discovery.url.core"); now != token {
			t.Errorf("a worker changed the token: %s", now)
		}
		declareGroups(t, 3, 3)
	}
	r := run(t)
	if nodes := workspace.Names(r.view().Options.Nodes); strings.Join(nodes, " ") != "core-control01 core-control02 core-control03" {
		t.Errorf("members are asked at %v", nodes)
	}

	save(t, "worker.yml", withEtcd) // workers that shall be members by now are left as they are
	p, err := saysPlan(t)
	if err != nil || p.Steps[3].Drift != "ignition.json changed" || p.Steps[3].Want.IsMember() {
		t.Errorf("got %+v, %v", p.Steps, err)
	}
}

// TestTargetsKnowGroups: status, logs, node=, what is in the way, and down.
func TestTargetsKnowGroups(t *testing.T) {
	groupedClone(t, 1, 2)
	mustUp(t)
	declareGroups(t, 1, 3)
	r := run(t)
	if err := Status(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if said := r.said(); !strings.Contains(said, "core-worker02") {
		t.Errorf("status says\n%s", said)
	}
	save(t, "vm/core-worker02/console.log", "of worker 2\n")
	r = run(t, "node=core-worker02")
	if err := Logs(t.Context(), r); err != nil || !strings.Contains(r.said(), "of worker 2") {
		t.Errorf("logs say %s, %v", r.said(), err)
	}
	r = run(t, "node=core-worker02", "grace=1s")
	if err := Stop(t.Context(), r); err != nil || theDomain(t, "core-worker02").State != engine.ShutOff || theDomain(t, "core-worker01").State != engine.Running {
		t.Errorf("stop: %v", err)
	}
	r.unlockAll()
	if _, err := chosenNode(run(t, "node=core-worker09"), "ssh"); err == nil || !strings.Contains(err.Error(), "nodes are core-control01, core-worker01, core-worker02") {
		t.Errorf("got %v", err)
	}

	foreignDomain(t, "core-worker03", "1c0b0ed3-8e5e-5b4e-9c0c-00000000000c")
	if _, err := up(t); err == nil || !strings.Contains(err.Error(), "core-worker03: libvirt has a domain of this name that this project did not make") {
		t.Errorf("got %v", err)
	}
	r = run(t, "prefix=core", "yes=true")
	defer r.unlockAll()
	if err := Down(t.Context(), r); err != nil || !strings.Contains(r.said(), "core-worker03: the domain of this name is not this workspace's; it is left alone") {
		t.Errorf("got %v\n%s", err, r.said())
	}
	if len(clusterNodes(t)) > 0 || workspace.Exists("vm/core-worker01") {
		t.Errorf("left are %v, %s", clusterNodes(t), folders(t))
	}
	if theDomain(t, "core-worker03").UUID == "" {
		t.Error("somebody else's domain is gone")
	}
}
