//go:build cgo && libvirt_dlopen

package command

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"coreos-libvirt/internal/cluster/facts"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/settings/row"
	"coreos-libvirt/internal/workspace/session"
)

// unsaid is a clone in whose environment nothing of a cluster is said, but what the test's machine needs.
func unsaid(t testing.TB) {
	t.Helper()
	inClone(t)
	for _, key := range []string{"CONFIG", "NODES", "DISK", "READY", "IMAGE"} {
		if err := os.Unsetenv("COREOS_" + key); err != nil { // inClone's t.Setenv puts it back
			t.Fatal(err)
		}
	}
	save(t, "ignition/ignition.yml", strings.Replace(plain, "Node_Name", "the default config", 1))
	save(t, "my.yml", strings.Replace(plain, "/etc/x", "/etc/my", 1))
	save(t, "other.yml", strings.Replace(plain, "/etc/x", "/etc/other", 1))
}

// xOne are the words of the cluster x.
var xOne = []string{"prefix=x", "nodes=1", "ram=1536", "disk=6", "config=my.yml", "image=base.qcow2", "ready=off"}

// domainOf is a domain as libvirt has it.
func domainOf(t *testing.T, name string) engine.Domain {
	t.Helper()
	domains, err := run(t).domains()
	if err != nil {
		t.Fatal(err)
	}
	return domains[name]
}

// planOf is what plan prints, and its exit status.
func planOf(t *testing.T, words ...string) (string, int) {
	t.Helper()
	r := run(t, append(words, "diff=false")...)
	err := r.Plan(t.Context())
	var exit session.ExitStatus
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("plan %v: %v", words, err)
	}
	return strings.Join(strings.Fields(r.said()), " "), int(exit)
}

// TestStoryWithoutWords: after one up with words, each target without words is about what was made.
func TestStoryWithoutWords(t *testing.T) {
	unsaid(t)
	mustUp(t, xOne...)
	before, made := snapshot(t), domainOf(t, "x01")

	if said, status := planOf(t); status != 0 || !strings.Contains(said, "x01 unchanged defined, unchanged") || strings.Contains(said, "core01") || strings.Contains(said, "x02") {
		t.Errorf("plan: status %d\n%s", status, said)
	}
	for _, words := range [][]string{nil, {"prefix=x"}} {
		if said := mustUp(t, words...); !strings.Contains(said, "x01: defined, unchanged") || !strings.Contains(said, "x01: ignition.json unchanged") || strings.Contains(said, "core01") {
			t.Errorf("up %v:\n%s", words, said)
		}
		if now := domainOf(t, "x01"); now.XML != made.XML || now.Machine.Memory != 1536 {
			t.Errorf("up %v changed the domain:\n%s", words, now.XML)
		}
	}
	if after := strings.ReplaceAll(snapshot(t), "vm/.lock.x\n", ""); after != strings.ReplaceAll(before, "vm/.lock.x\n", "") {
		t.Errorf("something was overwritten:\n%s\n%s", before, after)
	}

	status := run(t)
	if err := Status(t.Context(), status); err != nil || !strings.Contains(status.said(), "x01") || strings.Contains(status.said(), "would also make") {
		t.Errorf("status: %v\n%s", err, status.said())
	}
	halt(t, "x01")
	if err := SSH(t.Context(), run(t)); err == nil || !strings.Contains(err.Error(), "x01 is shut off\nhint: ") {
		t.Errorf("ssh: %v", err)
	}
	if said, _, err := downOn(t, yes); err != nil || !strings.Contains(said, "x01: domain removed") {
		t.Errorf("down: %v\n%s", err, said)
	}
	if domainOf(t, "x01").Name != "" || strings.Contains(snapshot(t), "x01") {
		t.Errorf("down left something:\n%s", snapshot(t))
	}
	if s := run(t).Settings; s.Prefix != "core" || s.Nodes != 3 { // nothing is remembered of a cluster that is gone
		t.Errorf("got prefix=%s nodes=%d", s.Prefix, s.Nodes)
	}
}

// TestTwoClustersOfOneWorkspace: each is up again as it was made, and who does not say which one is told which there are.
func TestTwoClustersOfOneWorkspace(t *testing.T) {
	unsaid(t)
	mustUp(t, xOne...)
	mustUp(t, "prefix=y", "nodes=2", "ram=512", "config=other.yml", "image=base.qcow2", "ready=off", "disk=1", "user=admin")
	before := snapshot(t)
	for prefix, want := range map[string]string{"x": "x01: defined, unchanged", "y": "y02: defined, unchanged"} {
		if said, status := planOf(t, "prefix="+prefix); status != 0 {
			t.Errorf("plan prefix=%s: status %d\n%s", prefix, status, said)
		}
		if said := mustUp(t, "prefix="+prefix); !strings.Contains(said, want) || strings.Contains(said, "rendered") {
			t.Errorf("up prefix=%s:\n%s", prefix, said)
		}
	}
	withoutTemplate := func(all string) string { _, own, _ := strings.Cut(all, "vm/x01/"); return own } // which the clusters share
	if after := snapshot(t); withoutTemplate(after) != withoutTemplate(before) {
		t.Errorf("something was overwritten:\n%s\n%s", before, after)
	}
	for _, target := range []string{"up", "plan", "transpile", "render", "etcd"} {
		_, err := NewAbout(nil, About{Cluster: true, Libvirt: target != "transpile", One: target}, os.Stdout)
		want := "this workspace has 2 clusters, x, y: " + target + " is about one of them\nhint: `"
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), target+" prefix=x`") {
			t.Errorf("%s: got %v", target, err)
		}
	}
	if r, err := NewAbout([]string{"node=y02"}, About{Cluster: true, Libvirt: true, One: "show"}, os.Stdout); err != nil || r.Prefix != "y" || r.User != "admin" {
		t.Errorf("node=y02: got %v", err)
	}
}

// TestOrderOfSources: a word, the environment, the cluster file, what the cluster was made with, the default.
func TestOrderOfSources(t *testing.T) {
	unsaid(t)
	mustUp(t, xOne...)
	from := func(key string, words ...string) string {
		t.Helper()
		r, err := NewAbout(words, About{Cluster: true}, os.Stdout) // which asks no libvirt
		if err != nil {
			t.Fatal(err)
		}
		rows, err := r.Rows("nowhere")
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(rows, func(r row.Row) bool { return r.Name == key })
		return rows[i].Value + " " + rows[i].From
	}
	if got := from("prefix"); got != "x the only cluster" {
		t.Errorf("got %q", got)
	}
	if got := from("ram"); got != "1536 cluster x" {
		t.Errorf("got %q", got)
	}
	if got := from("vcpu"); got != "2 default" {
		t.Errorf("got %q", got)
	}
	save(t, "clusters/x.yml", "ram: 1024\n")
	if got := from("ram"); got != "1024 clusters/x.yml" {
		t.Errorf("got %q", got)
	}
	t.Setenv("COREOS_RAM", "768")
	if got := from("ram"); !strings.HasPrefix(got, "768 environment, COREOS_RAM") {
		t.Errorf("got %q", got)
	}
	if got := from("ram", "ram=512"); !strings.HasPrefix(got, "512 command line") {
		t.Errorf("got %q", got)
	}
}

// TestWhatTheFileGaveGoesWithItsLine: a line that is removed from the file is forgotten; a file that is gone is not.
func TestWhatTheFileGaveGoesWithItsLine(t *testing.T) {
	unsaid(t)
	save(t, "clusters/x.yml", "nodes: 1\nram: 1536\nvar: {My_Word: a}\nconfig: my.yml\nimage: base.qcow2\nready: off\ndisk: 1\n")
	mustUp(t)
	if s := run(t).Settings; s.Prefix != "x" || s.RAM != 1536 {
		t.Fatalf("got %+v", s)
	}
	if err := os.Rename("clusters/x.yml", "away.yml"); err != nil {
		t.Fatal(err)
	}
	if said, status := planOf(t); status != 0 || !strings.Contains(said, "x01 unchanged") {
		t.Errorf("without its file: status %d\n%s", status, said)
	}
	save(t, "clusters/x.yml", "nodes: 1\nconfig: my.yml\nimage: base.qcow2\nready: off\n")
	if s := run(t).Settings; s.RAM != 2048 || len(s.Vars) != 0 {
		t.Errorf("got ram=%d %v", s.RAM, s.Vars)
	}
}

// TestAFileOfFewerNodes: the number in a cluster's file is how many there shall be, as a word is.
func TestAFileOfFewerNodes(t *testing.T) {
	unsaid(t)
	save(t, "clusters/x.yml", "nodes: 2\nconfig: my.yml\nimage: base.qcow2\nready: off\n")
	mustUp(t)
	save(t, "clusters/x.yml", "nodes: 1\nconfig: my.yml\nimage: base.qcow2\nready: off\n")
	if said, status := planOf(t); status != 2 || !strings.Contains(said, "x02 remove nodes=1") {
		t.Errorf("status %d\n%s", status, said)
	}
	save(t, "clusters/x.yml", "config: my.yml\nimage: base.qcow2\nready: off\n") // its number is that of the marks, or none
	if said, status := planOf(t); strings.Contains(said, "remove") {
		t.Errorf("nobody wants a node to go: status %d\n%s", status, said)
	}
	save(t, "clusters/x.yml", "nodes: 1\nconfig: my.yml\nimage: base.qcow2\nready: off\n")
	if mustUp(t); domainOf(t, "x02").Name != "" || domainOf(t, "x01").Name == "" {
		t.Error("x02 was to go, and x01 to stay")
	}
}

// TestAMarkAloneIsNoChange: settings that change nothing of a running node are noted in its mark, and it runs on as it was started.
func TestAMarkAloneIsNoChange(t *testing.T) {
	unsaid(t)
	mustUp(t, xOne...)
	was := domainOf(t, "x01")
	mustUp(t, "user=admin", "var.My_Word=b")
	now := domainOf(t, "x01")
	if !strings.Contains(now.Metadata.Settings, "user=admin") || !strings.Contains(now.Metadata.Settings, "var.My_Word=b") ||
		now.Started != was.Started || now.Metadata.Definition != was.Metadata.Definition || now.Metadata.Since != was.Metadata.Since || now.Metadata.Since == "" {
		t.Errorf("got %+v\nwas %+v", now.Metadata, was.Metadata)
	}
	if said, status := planOf(t); status != 0 || strings.Contains(said, "somebody") || strings.Contains(said, "restart") {
		t.Errorf("status %d\n%s", status, said)
	}
	if s := run(t).Settings; s.User != "admin" || s.Vars["My_Word"] != "b" {
		t.Errorf("got user=%s %v", s.User, s.Vars)
	}
	mustUp(t, "nodes=2")
	if settings := domainOf(t, "x01").Metadata.Settings; settings != domainOf(t, "x02").Metadata.Settings || !strings.Contains(settings, "nodes=2") {
		t.Errorf("the marks differ: %s", settings)
	}
}

// TestWhatSomebodyElseChangedStaysToBeSeen: a mark is not changed over it.
func TestWhatSomebodyElseChangedStaysToBeSeen(t *testing.T) {
	unsaid(t)
	mustUp(t, xOne...)
	edit(t, "x01", "<on_reboot>restart</on_reboot>", "<on_reboot>destroy</on_reboot>")
	for range 2 {
		if said := mustUp(t, "user=admin"); !strings.Contains(said, "somebody else changed its definition") {
			t.Errorf("got\n%s", said)
		}
	}
}

// TestOldMarks: domains of before settings were noted go on as they are, and get a mark by the next up.
func TestOldMarks(t *testing.T) {
	unsaid(t)
	mustUp(t, xOne...)
	r := run(t)
	mark := *domainOf(t, "x01").Metadata
	mark.Settings, mark.Said, mark.Since = "", "", ""
	made, err := r.daemon.Mark("x01", mark)
	if err != nil {
		t.Fatal(err)
	}
	save(t, "vm/x01/defined.xml", made)
	if s := run(t).Settings; s.Prefix != "x" || s.RAM != 2048 {
		t.Errorf("got prefix=%s ram=%d", s.Prefix, s.RAM)
	}
	if said, status := planOf(t, xOne...); status != 0 {
		t.Errorf("status %d\n%s", status, said)
	}
	mustUp(t, xOne...)
	if s := run(t).Settings; s.RAM != 1536 {
		t.Errorf("got ram=%d", s.RAM)
	}
}

// TestSecretsAreNotInTheMark: their names are, so that nobody makes nodes without them.
func TestSecretsAreNotInTheMark(t *testing.T) {
	unsaid(t)
	save(t, "my.yml", strings.Replace(plain, "Node_Name", "My_Password of My_Word", 1))
	mustUp(t, append(slices.Clone(xOne), "var.My_Password=hunter2", "var.My_Word=open", "discovery_user=root:hunter2")...)
	if d := domainOf(t, "x01"); strings.Contains(d.XML, "hunter2") || !strings.Contains(d.XML, "My_Password") || !strings.Contains(d.XML, "My_Word=open") {
		t.Errorf("got %s", d.Metadata.Settings)
	}
	for _, words := range [][]string{nil, {"var.My_Password=hunter2"}} {
		if _, err := up(t, words...); err == nil || !strings.Contains(err.Error(), "the cluster x was made with a ") || !strings.Contains(err.Error(), "\nhint: give it again: ") {
			t.Errorf("up %v: got %v", words, err)
		}
	}
	if said, err := up(t, "var.My_Password=hunter2", "discovery_user=root:hunter2"); err != nil || !strings.Contains(said, "x01: defined, unchanged") {
		t.Errorf("got %v\n%s", err, said)
	}
	save(t, "vars.yml", "My_Password: hunter2\n") // which is where it can stand
	if _, err := up(t, "discovery_user=root:hunter2"); err != nil {
		t.Error(err)
	}
	status := run(t)
	if err := Status(t.Context(), status); err != nil || !strings.Contains(status.said(), "x01") {
		t.Errorf("status: %v\n%s", err, status.said())
	}
}

// TestAnotherRunSaidOtherwise: a run that has waited for another one does not overwrite what that has said.
func TestAnotherRunSaidOtherwise(t *testing.T) {
	unsaid(t)
	mustUp(t, xOne...)
	waits := run(t)
	defer waits.unlockAll()
	mustUp(t, "ram=768")
	if err := waits.Claim(t.Context()); err == nil || !strings.Contains(err.Error(), "another run has changed the settings of the cluster x") {
		t.Errorf("got %v", err)
	}
	if memory := domainOf(t, "x01").Machine.Memory; memory != 768 {
		t.Errorf("got %d MiB", memory)
	}
}

// TestWithoutLibvirt: what a cluster was made with is known of the nodes' folders, too, as libvirt had it last.
func TestWithoutLibvirt(t *testing.T) {
	unsaid(t)
	mustUp(t, xOne...)
	mustUp(t, "user=admin")
	t.Setenv("COREOS_URI", "test:///nowhere")
	s, err := NewAbout(nil, About{Cluster: true}, os.Stdout)
	if err != nil || s.RAM != 1536 || s.User != "admin" || s.Config != "my.yml" {
		t.Errorf("got %+v, %v", s.Settings, err)
	}
	if s, err := New(nil, os.Stdout); err != nil || s.RAM != 1536 {
		t.Errorf("a target that needs libvirt says so itself: %v", err)
	}
	if err := os.RemoveAll("vm/x01"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("COREOS_URI", "test:///default")
	if s := run(t).Settings; s.Prefix != "x" || s.RAM != 1536 {
		t.Errorf("without its folder: prefix=%s ram=%d", s.Prefix, s.RAM)
	}
}

// The latest mark counts.
func TestLatest(t *testing.T) {
	marks := map[string]*engine.Metadata{
		"x01": {Cluster: "x", Number: 1, Settings: "nodes=1", Said: "2026-01-01T00:00:00Z"},
		"x02": {Cluster: "x", Number: 2, Settings: "nodes=2", Said: "2026-01-02T00:00:00Z"},
		"x03": {Cluster: "x", Number: 3},
	}
	if got := facts.Latest(marks)["x"].Settings; got != "nodes=2" {
		t.Errorf("got %s", got)
	}
	if s, err := settings.LoadOf([]string{"prefix=x"}, settings.Environment{Lookup: func(string) (string, bool) { return "", false }}, settings.Clusters{Made: map[string]string{"x": "%zz&ram=no"}}); err != nil || s.RAM != 2048 {
		t.Errorf("a mark that is no settings: %v", err)
	}
	const others = "ram=no&recreate=all&force=true&var.x=y&vcpu=3&colour=red&-secret=yes"
	if s, err := settings.LoadOf([]string{"prefix=x"}, settings.Environment{Lookup: func(string) (string, bool) { return "", false }}, settings.Clusters{Made: map[string]string{"x": others}}); err != nil ||
		s.RAM != 2048 || s.VCPU != 3 || s.Recreate != "" || s.Force || len(s.Vars)+len(s.Forgotten) > 0 {
		t.Errorf("a mark that somebody else wrote: %+v, %v", s, err)
	}
}

// TestAFileProtects: its cluster, and no other, also from who wants to remove all.
func TestAFileProtects(t *testing.T) {
	unsaid(t)
	mustUp(t, xOne...)
	mustUp(t, "prefix=y", "nodes=1", "config=other.yml", "image=base.qcow2", "ready=off", "disk=1")
	save(t, "clusters/x.yml", "protect: true\n")
	for _, words := range [][]string{{"prefix=x"}, {"all=true", "yes=true"}} {
		if _, _, err := downOn(t, yes, words...); err == nil || !strings.Contains(err.Error(), "the cluster x is protected (protect=true); nothing was removed") {
			t.Errorf("down %v: got %v", words, err)
		}
	}
	if said, _, err := downOn(t, yes, "prefix=y"); err != nil || !strings.Contains(said, "y01: domain removed") {
		t.Errorf("got %v\n%s", err, said)
	}
	if _, _, err := downOn(t, yes, "prefix=x", "protect=false"); err != nil || domainOf(t, "x01").Name != "" {
		t.Errorf("got %v", err)
	}
}
