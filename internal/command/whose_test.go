//go:build cgo && libvirt_dlopen

package command

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
)

// inCloneOf is inClone, with the base image outside of it: the workspace can be moved then. It gives the workspace's path.
func inCloneOf(t *testing.T) string {
	t.Helper()
	inClone(t)
	base := filepath.Join(t.TempDir(), "base.qcow2")
	if err := os.Rename("base.qcow2", base); err != nil {
		t.Fatal(err)
	}
	t.Setenv("COREOS_IMAGE", base)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return here
}

// define has libvirt define a domain, and starts it.
func define(t *testing.T, text, name string) {
	t.Helper()
	r := run(t)
	if _, err := r.libvirt(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.conn.Define(text); err != nil {
		t.Fatal(err)
	}
	if name != "" {
		if err := r.conn.Start(name); err != nil {
			t.Fatal(err)
		}
	}
}

// cloned makes a domain of a node's definition as virt-clone does: with another name, UUID, hardware address and disk, and all of
// its metadata. Without a disk it has the node's.
func cloned(t *testing.T, node, disk string) (name string) {
	t.Helper()
	d := theDomain(t, node)
	name = node + "-clone"
	uuid := "1c0b0ed3-8e5e-5b4e-9c0c-0000000000" + node[len(node)-2:]
	words := []string{"<name>" + node + "<", "<name>" + name + "<", d.UUID, uuid, workspace.MAC(node), workspace.MAC(name)}
	if disk != "" {
		words = append(words, d.Disks[0], disk)
		save(t, disk, "of the clone")
	}
	define(t, strings.NewReplacer(words...).Replace(d.XML), name)
	return name
}

func status(t *testing.T, words ...string) string {
	t.Helper()
	r := run(t, words...)
	if err := Status(t.Context(), r); err != nil {
		t.Error(err)
	}
	return r.said()
}

// contains fails the test if what was said has not all of the words.
func contains(t *testing.T, said string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(said, word) {
			t.Errorf("%q is not in\n%s", word, said)
		}
	}
}

// clusterFiles are files of the cluster core as a whole.
var clusterFiles = []string{"vm/ssh.core/id_ed25519", "vm/tls.core/ca.pem", "vm/discovery.core"}

func saveClusterFiles(t *testing.T) {
	t.Helper()
	for _, path := range clusterFiles {
		save(t, path, "x")
	}
}

func haveClusterFiles(t *testing.T, want bool) {
	t.Helper()
	for _, path := range clusterFiles {
		if workspace.Exists(path) != want {
			t.Errorf("is %s there? want %t", path, want)
		}
	}
}

// TestACloneIsNoNode, though virt-clone copies what is noted in the node's domain.
func TestACloneIsNoNode(t *testing.T) {
	inCloneOf(t)
	mustUp(t, "nodes=1")
	bootDomain(t, "core01")
	disk := filepath.Join(t.TempDir(), "clone.qcow2")
	clone := cloned(t, "core01", disk)
	const line = "core01-clone: the domain is a copy of core01, with another UUID: it is not a node; it is left alone\n"
	said := status(t)
	contains(t, said, line)
	if strings.Count(said, "running") != 1 {
		t.Errorf("status lists it:\n%s", said)
	}
	contains(t, mustUp(t, "nodes=1"), line)
	for _, target := range []func(*Run) error{
		func(r *Run) error { return Stop(t.Context(), r) }, func(r *Run) error { return Start(t.Context(), r) },
	} {
		r := run(t, "grace=1s")
		if err := target(r); err != nil {
			t.Fatal(err)
		}
		r.unlockAll()
		contains(t, r.said(), line)
		if strings.Contains(r.said(), "core01-clone: b") || theDomain(t, clone).State != engine.Running {
			t.Errorf("the clone is %s\n%s", theDomain(t, clone).State, r.said())
		}
	}
	if r := run(t, "node="+clone); chosenError(r) == nil {
		t.Error("node= took the clone")
	}
	keepsData(t, "core01")
	r := run(t, "plan=true")
	if err := Down(t.Context(), r); err != nil || strings.Contains(r.said(), "core01-clone  ") {
		t.Errorf("got %v\n%s", err, r.said())
	}
	contains(t, r.said(), line)
	contains(t, mustDown(t), line)
	if theDomain(t, "core01").Name != "" || theDomain(t, clone).State != engine.Running || !workspace.Exists(disk) || folders(t) != "" {
		t.Errorf("left are %s, the clone is %s", folders(t), theDomain(t, clone).State)
	}
	r = run(t)
	defer r.unlockAll()
	if err := Stop(t.Context(), r); err == nil || !strings.Contains(err.Error(), "there are no nodes\nhint: ") {
		t.Errorf("got %v", err)
	}
}

func chosenError(r *Run) error {
	_, err := chosenNode(r, "ssh")
	return err
}

// TestADiskThatAnotherDomainUsesStays, and so does the node.
func TestADiskThatAnotherDomainUsesStays(t *testing.T) {
	inCloneOf(t)
	mustUp(t)
	bootDomain(t, "core02")
	saveClusterFiles(t)
	clone := cloned(t, "core02", "")
	said, err := down(t)
	if err == nil || !strings.Contains(err.Error(), "core02: the domain core02-clone uses its disk, vm/core02/core02.qcow2; both are left alone\nhint: ") {
		t.Errorf("got %v\n%s", err, said)
	}
	keepsData(t, "core02")
	haveClusterFiles(t, true)
	if theDomain(t, "core01").Name != "" || theDomain(t, "core02").State != engine.Running || theDomain(t, clone).State != engine.Running {
		t.Error("want core01 gone, and core02 and its clone running")
	}
	for _, words := range []string{"nodes=1", "nodes=2 recreate=core02"} {
		if said, err := up(t, strings.Fields(words)...); err == nil {
			t.Errorf("%s: got no error\n%s", words, said)
		}
		keepsData(t, "core02")
	}
	r := run(t)
	if _, err := r.libvirt(); err != nil {
		t.Fatal(err)
	}
	if err := r.conn.Remove(theDomain(t, clone).UUID, r.Workspace); err != nil {
		t.Fatal(err)
	}
	mustDown(t)
	if left := folders(t); left != "" {
		t.Errorf("left are %s", left)
	}
}

// TestADiskThatAClonesDiskStandsOnStays: qemu-img create -b makes such a clone.
func TestADiskThatAClonesDiskStandsOnStays(t *testing.T) {
	inCloneOf(t)
	mustUp(t, "nodes=1")
	bootDomain(t, "core01")
	node, err := filepath.Abs(overlayOf("core01"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	between, disk := filepath.Join(dir, "between.qcow2"), filepath.Join(dir, "clone.qcow2")
	cloned(t, "core01", disk)
	for _, args := range [][]string{{node, between}, {between, disk}} {
		if out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", args[0], args[1]).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	const want = "core01: the domain core01-clone uses its disk, vm/core01/core01.qcow2; both are left alone\nhint: "
	if said, err := down(t); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("down: got %v\n%s", err, said)
	}
	if said, err := up(t, "nodes=1", "recreate=core01"); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("recreate: got %v\n%s", err, said)
	}
	keepsData(t, "core01")
	if theDomain(t, "core01").State != engine.Running {
		t.Error("the node was stopped")
	}
}

// TestARenamedNode is no node, and its disk stays.
func TestARenamedNode(t *testing.T) {
	inCloneOf(t)
	mustUp(t, "nodes=1")
	bootDomain(t, "core01")
	saveClusterFiles(t)
	d := theDomain(t, "core01")
	lost(t, "core01")
	define(t, strings.Replace(d.XML, "<name>core01<", "<name>mine<", 1), "mine")
	const line = "mine: the domain is the node core01, which somebody has renamed; it is left alone"
	contains(t, status(t), line)
	if said, err := up(t, "nodes=1"); err == nil || !strings.Contains(err.Error(), line+"\nhint: virsh domrename mine core01 ") {
		t.Errorf("got %v\n%s", err, said)
	}
	said, err := down(t)
	if err == nil || !strings.Contains(err.Error(), "core01: the domain mine uses its disk, vm/core01/core01.qcow2; both are left alone\nhint: virsh domrename mine core01 ") {
		t.Errorf("got %v\n%s", err, said)
	}
	keepsData(t, "core01")
	haveClusterFiles(t, true)
	if theDomain(t, "mine").State != engine.Running {
		t.Error("the node was stopped")
	}
}

// TestAnotherPathIsTheSameWorkspace: by a symbolic link.
func TestAnotherPathIsTheSameWorkspace(t *testing.T) {
	here := inCloneOf(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(here, link); err != nil {
		t.Fatal(err)
	}
	mustUp(t, "nodes=1")
	saveClusterFiles(t)
	before := theDomain(t, "core01")
	t.Chdir(link)
	plans(t, 0, "core01 unchanged defined, unchanged", "nodes=1")
	contains(t, status(t), "core01")
	if said := mustUp(t, "nodes=1", "ram=3072"); theDomain(t, "core01").UUID != before.UUID || !strings.Contains(said, "core01: redefined, ") {
		t.Errorf("got\n%s", said)
	}
	mustDown(t)
	if left := folders(t); left != "" || theDomain(t, "core01").Name != "" {
		t.Errorf("left are %s", left)
	}
}

// TestNodesThatWereMadeByALink, before workspaces had IDs: they keep their UUID, and get the ID when they are next defined.
func TestNodesThatWereMadeByALink(t *testing.T) {
	here := inCloneOf(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(here, link); err != nil {
		t.Fatal(err)
	}
	mustUp(t, "nodes=1")
	d := theDomain(t, "core01")
	uuid := workspace.NodeAt(filepath.Join(link, "vm"), "core", 1).UUID
	before := strings.NewReplacer(` id="`+d.Metadata.ID+`"`, "", ` id='`+d.Metadata.ID+`'`, "", here+"/", link+"/", `workspace="`+here+`"`, `workspace="`+link+`"`, d.UUID, uuid)
	lost(t, "core01")
	define(t, before.Replace(d.XML), "core01")
	for _, name := range []string{"domain.xml", "defined.xml"} {
		text, err := os.ReadFile("vm/core01/" + name)
		if err != nil {
			t.Fatal(err)
		}
		save(t, "vm/core01/"+name, before.Replace(string(text)))
	}
	if err := os.Remove("vm/.workspace"); err != nil {
		t.Fatal(err)
	}
	if m := theDomain(t, "core01").Metadata; m.ID != "" || m.Workspace != link {
		t.Fatalf("the test's domain is %+v", m)
	}
	contains(t, status(t), "core01", "running")
	mustUp(t, "nodes=1")
	if is := theDomain(t, "core01"); is.UUID != uuid || is.Metadata.ID == "" || is.Metadata.Workspace != here || is.MACs[0] != d.MACs[0] {
		t.Errorf("got %+v, %+v", is, is.Metadata)
	}
	mustDown(t)
	if left := folders(t); left != "" || theDomain(t, "core01").Name != "" {
		t.Errorf("left are %s", left)
	}
}

// TestAMovedWorkspace has its nodes with it.
func TestAMovedWorkspace(t *testing.T) {
	here := inCloneOf(t)
	mustUp(t)
	bootDomain(t, "core01")
	saveClusterFiles(t)
	halt(t, "core01")
	before := theDomain(t, "core01")
	there := here + " moved"
	if err := os.Rename(here, there); err != nil {
		t.Fatal(err)
	}
	t.Chdir(there)
	said := status(t)
	contains(t, said, "core01, core02: the workspace was moved from "+here+": `", " define prefix=core` writes the new paths")
	r := run(t)
	if err := Start(t.Context(), r); err == nil || !strings.Contains(err.Error(), "core01: the workspace was moved from "+here+", and its definition has the paths of before\nhint: `") {
		t.Errorf("start: got %v", err)
	}
	r.unlockAll()
	r = run(t, "node=core02")
	if err := Restart(t.Context(), r); err == nil || theDomain(t, "core02").State != engine.Running {
		t.Errorf("restart: got %v, core02 is %s", err, theDomain(t, "core02").State)
	}
	r.unlockAll()
	contains(t, mustUp(t), "core01: redefined, the workspace is "+there+" now, and was "+here, "core01: booting")
	is := theDomain(t, "core01")
	if is.UUID != before.UUID || is.MACs[0] != before.MACs[0] || is.Disks[0] != filepath.Join(there, overlayOf("core01")) || is.State != engine.Running {
		t.Errorf("got %+v", is)
	}
	keepsData(t, "core01")
	if said := status(t); strings.Contains(said, "was moved") {
		t.Errorf("got\n%s", said)
	}
	mustDown(t)
	if left := folders(t); left != "" || theDomain(t, "core01").Name != "" || theDomain(t, "core02").Name != "" {
		t.Errorf("left are %s", left)
	}
}

// TestACopyOfAWorkspace does not touch the nodes of the original.
func TestACopyOfAWorkspace(t *testing.T) {
	here := inCloneOf(t)
	mustUp(t, "nodes=1")
	bootDomain(t, "core01")
	saveClusterFiles(t)
	copied := filepath.Join(t.TempDir(), "copy")
	if out, err := exec.Command("cp", "-a", here, copied).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Chdir(copied)
	line := "core01: the domain is a node of the workspace " + here + ", of which this one is a copy; it is left alone"
	contains(t, status(t), line, "there are no nodes")
	if said, err := up(t, "nodes=1"); err == nil || !strings.Contains(err.Error(), line+"\nhint: choose another prefix=, or run `mage down` in "+here) {
		t.Errorf("got %v\n%s", err, said)
	}
	for _, words := range [][]string{{}, {"prefix=core"}} {
		contains(t, mustDown(t, words...), line, "core: there is the domain core01 and vm/core01 yet: the cluster's keys and files in vm/ stay")
		haveClusterFiles(t, true)
		keepsData(t, "core01")
	}
	mustUp(t, "nodes=1", "prefix=mine")
	t.Chdir(here)
	if err := os.Rename(overlayOf("core01"), "kept"); err != nil {
		t.Fatal(err)
	}
	t.Chdir(copied)
	contains(t, status(t), line) // though its disk is gone
	t.Chdir(here)
	if err := os.Rename("kept", overlayOf("core01")); err != nil {
		t.Fatal(err)
	}
	contains(t, status(t), "core01", "running", "mine01: the domain is a node of the workspace "+copied+", of which this one is a copy; it is left alone")
	keepsData(t, "core01")
	mustDown(t)
	if left := folders(t); left != "" || theDomain(t, "core01").Name != "" || theDomain(t, "mine01").State != engine.Running {
		t.Errorf("left are %s", left)
	}
	t.Chdir(copied)
	mustDown(t, "prefix=mine")
	if theDomain(t, "mine01").Name != "" || workspace.Exists("vm/mine01") {
		t.Error("the copy's own node is left")
	}
}

// TestAnotherCloneAtThePathOfBefore: the first was moved, its nodes run.
func TestAnotherCloneAtThePathOfBefore(t *testing.T) {
	here := inCloneOf(t)
	mustUp(t, "nodes=1")
	bootDomain(t, "core01")
	known, err := os.ReadFile("vm/.workspace")
	if err != nil {
		t.Fatal(err)
	}
	there := here + ".old"
	if err := os.Rename(here, there); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-a", there, here).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Chdir(here)
	if err := os.RemoveAll("vm"); err != nil {
		t.Fatal(err)
	}
	const line = "core01: the domain is a node of another workspace, which was at this path before; it is left alone"
	contains(t, status(t), line)
	said, err := up(t, "nodes=1")
	if err == nil || !strings.Contains(err.Error(), line+"\nhint: ") || !strings.Contains(err.Error(), "echo '"+strings.TrimSpace(string(known))+"' >vm/.workspace") {
		t.Errorf("got %v\n%s", err, said)
	}
	contains(t, mustDown(t), line)
	if theDomain(t, "core01").State != engine.Running {
		t.Error("another workspace's node was removed")
	}
	t.Chdir(there)
	keepsData(t, "core01")
	mustDown(t)
	if theDomain(t, "core01").Name != "" {
		t.Error("its own workspace does not remove it")
	}
}

// TestAPathWithPatternCharacters hides no cluster.
func TestAPathWithPatternCharacters(t *testing.T) {
	here := inCloneOf(t)
	odd := here + " [a-c]*?"
	if err := os.Rename(here, odd); err != nil {
		t.Fatal(err)
	}
	t.Chdir(odd)
	mustUp(t, "nodes=1")
	save(t, "vm/.lock.locked", "")
	save(t, "vm/ssh.keys/id_ed25519", "x")
	domains, err := run(t).domains()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(run(t).ws().Prefixes("core", domains), " "); got != "core keys locked" {
		t.Errorf("got %s", got)
	}
	mustDown(t)
	if left := folders(t); left != "" || theDomain(t, "core01").Name != "" {
		t.Errorf("left are %s", left)
	}
}

// TestAnIdentityThatCannotBeRead is an error, and nothing is done.
func TestAnIdentityThatCannotBeRead(t *testing.T) {
	inCloneOf(t)
	mustUp(t, "nodes=1")
	for _, text := range []string{"{", "{}", `{"id":"x","origin":"/w"}`, `[]`} {
		save(t, "vm/.workspace", text)
		if _, err := New(nil, os.Stdout); err == nil || !strings.Contains(err.Error(), "cannot find out which workspace this is: vm/.workspace: ") || !strings.Contains(err.Error(), "\nhint: ") {
			t.Errorf("%s: got %v", text, err)
		}
	}
	save(t, "vm/.workspace", "") // killed before it was written
	r := run(t)
	if err := r.lock(t.Context(), "core"); err != nil {
		t.Fatal(err)
	}
	r.unlockAll()
	text, _ := os.ReadFile("vm/.workspace")
	if err := json.Unmarshal(text, &struct{}{}); err != nil {
		t.Errorf("got %s", text)
	}
}

// TestAPathFromWhichNothingBoots is refused before anything is made.
func TestAPathFromWhichNothingBoots(t *testing.T) {
	here := inCloneOf(t)
	for name, c := range map[string]struct{ uri, what string }{
		`a"b`:     {"test:///default", `"`},
		"${HOME}": {"test:///default", "${"},
		"a,b":     {"qemu:///system", ","},
		"o'n":     {"qemu:///system", "'"},
		"a&b":     {"qemu:///session", "&"},
	} {
		odd := filepath.Join(t.TempDir(), name)
		if err := os.CopyFS(odd, os.DirFS(here)); err != nil {
			t.Fatal(err)
		}
		t.Chdir(odd)
		want := "nodes cannot be booted from a workspace with " + c.what + " in its path: " + odd + "\nhint: mv the folder to a path without it"
		if said, err := up(t, "uri="+c.uri); err == nil || err.Error() != want || workspace.Exists("vm") {
			t.Errorf("%s: got %v\n%s", name, err, said)
		}
		if strings.HasPrefix(c.uri, "qemu") {
			if err := run(t, "uri="+c.uri).Preflight(t.Context()); err == nil || err.Error() != want {
				t.Errorf("%s: preflight: got %v", name, err)
			}
		}
	}
}
