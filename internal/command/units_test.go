//go:build cgo && libvirt_dlopen

package command

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/testkit/pace"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/session"
)

// What a node says of its units: real answers of systemd's are in internal/guest/units/testdata.
const (
	runs = "Id=web.service\nNames=web.service\nLoadState=loaded\nActiveState=active\nSubState=running\nResult=success\nNRestarts=0\n\n"
	died = "Id=web.service\nNames=web.service\nLoadState=loaded\nActiveState=failed\nSubState=failed\nResult=exit-code\nNRestarts=0\nExecMainCode=1\nExecMainStatus=203\n\n"
)

// loggedIn are nodes that answer by ssh, and whose host keys are known.
func loggedIn(t *testing.T, names ...string) {
	t.Helper()
	reached(t, names...)
	if err := SSH(t.Context(), run(t, "all=true", "cmd=true")); err != nil {
		t.Fatal(err)
	}
}

// withSystemd gives the nodes that ssh reaches a fake of systemd's programs: this machine may have no systemd that runs. systemctl
// prints the node's file show, journalctl its file journal, and with --follow it goes on as long as its reader is there.
func withSystemd(t *testing.T, files map[string]string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	for name, text := range files {
		save(t, filepath.Join(folder, name), text)
	}
	for name, script := range map[string]string{
		"systemctl": `case $1 in is-system-running) echo running ;; show) cat "$FAKES/$NODE.show" ;; list-units) ;; esac`,
		"journalctl": `echo "$*" >>"$FAKES/$NODE.asked"; cat "$FAKES/$NODE.journal"
case " $* " in *" --follow "*) while echo "2026-11-27T16:00:09.000000+0000 more"; do sleep 0.1; done ;; esac`,
		"sudo": `shift; exec "$@"`,
	} {
		path := filepath.Join(folder, name)
		save(t, path, "#!/bin/sh\n"+script+"\n")
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("FAKES", folder)
	t.Setenv("PATH", folder+":"+os.Getenv("PATH")) //nolint:forbidigo // the test's own
	return folder
}

// madeOfWeb makes documents of nodes that bring web.service.
func madeOfWeb(t *testing.T, nodes ...string) {
	t.Helper()
	for _, node := range nodes {
		save(t, "vm/"+node+"/made.json", `{"ignition":{"version":"3.4.0"},"systemd":{"units":[{"name":"web.service","enabled":true,"contents":"[Service]"}]}}`)
	}
}

// TestUnits: one node is well, of one a unit has failed, and one does not run.
func TestUnits(t *testing.T) {
	reached(t, "core01", "core02", "core03")
	withSystemd(t, map[string]string{
		"core01.show": runs, "core02.show": died,
		"core02.journal": "2026-11-27T16:00:00+0000 systemd[1]: web.service: Failed at step \x1b[31mEXEC\n",
	})
	madeOfWeb(t, "core01", "core02", "core03")
	halt(t, "core03")
	r := run(t)
	err := Units(t.Context(), r)
	if got := r.said(); !strings.Contains(got, "\ncore02   web.service   failed (failed)    0          the config\ncore02: web.service has failed: exit-code, status 203/EXEC\n    2026-11-27T16:00:00+0000 systemd[1]: web.service: Failed at step EXEC\n") ||
		!strings.Contains(got, "\ncore01   web.service   active (running)   0          the config\n") {
		t.Errorf("got\n%s", got)
	}
	if err == nil || !strings.Contains(err.Error(), "core03: its units are not known: core03 is shut off\nhint: `") ||
		!strings.Contains(err.Error(), "\ncore02: web.service of the config failed\nthe units of core01 are well\nhint: `"+asCalled(r.Settings, "journal", "node=core02", "unit=web.service")+"` shows ") {
		t.Errorf("got %v", err)
	}
	r = run(t, "format=json", "node=core02", "units=warn")
	if err := Units(t.Context(), r); err != nil {
		t.Errorf("with units=warn: got %v", err)
	}
	var told []nodeUnits
	if err := json.Unmarshal([]byte(r.said()), &told); err != nil || len(told) != 1 || told[0].Node != "core02" || told[0].Units[0].Exit != "status 203/EXEC" || len(told[0].Units[0].Journal) != 1 {
		t.Errorf("got %v\n%s", err, r.said())
	}
}

// readyNodes are nodes that are ready at an address where nobody is: ssh in PATH goes to the test's servers.
func readyNodes(r *Run, names ...string) (nodes []boot.Node) {
	for _, name := range names {
		node := workspace.NodeAt(r.ws().VM(), "core", workspace.NumberOf("core", name))
		report := guest.Report{BootID: "b", HostName: name, Interfaces: []guest.Interface{{Name: "eth0", MAC: node.MAC, Addresses: []guest.Address{{Family: "inet", Local: "192.0.2.1", Scope: "global"}}}}}
		nodes = append(nodes, boot.Node{Step: plan.Step{Node: node}, Report: report})
	}
	return nodes
}

// TestUpSaysUnits: up prints how the units are of the nodes that became ready, and fails for those of the config, unless it shall not.
func TestUpSaysUnits(t *testing.T) {
	loggedIn(t, "core01", "core02")
	withSystemd(t, map[string]string{"core01.show": runs, "core02.show": died, "core02.journal": "why\n"})
	madeOfWeb(t, "core01", "core02")
	endpoint := func(string) string { return "" }
	for words, fails := range map[string]bool{"ready=on": true, "ready=on units=warn": false} {
		r := run(t, strings.Fields(words)...)
		nodes := append(readyNodes(r, "core01", "core02"), boot.Node{Step: plan.Step{Node: workspace.NodeAt("vm", "core", 3)}, Err: errors.New("no")})
		seen := unitsOfReady(t.Context(), r, nodes)
		if err := printNodes(r, nodes, seen, etcd.Status{}, endpoint); err != nil {
			t.Fatal(err)
		}
		got := strings.Split(strings.TrimSpace(r.said()), "\n")
		if len(got) != 6 || !strings.HasSuffix(got[0], "   UNITS") || !strings.HasSuffix(got[1], "   well") || !strings.HasSuffix(got[2], "   failed: web.service") || !strings.HasSuffix(got[3], "   -") ||
			got[4] != "core02: web.service has failed: exit-code, status 203/EXEC" || got[5] != "    why" {
			t.Errorf("%s: got\n%s", words, r.said())
		}
		if err := failedUnits(r.Settings, seen); (err != nil) != fails {
			t.Errorf("%s: got %v", words, err)
		}
	}
	for _, words := range []string{"ready=on units=off", "ready=off"} {
		r := run(t, strings.Fields(words)...)
		if seen := unitsOfReady(t.Context(), r, readyNodes(r, "core02")); seen != nil {
			t.Errorf("%s: got %+v", words, seen)
		}
	}
}

// TestUnitsThatAreNotKnown: a node that says nothing sensible is ready all the same.
func TestUnitsThatAreNotKnown(t *testing.T) {
	loggedIn(t, "core01", "core02")
	withSystemd(t, nil)
	madeOfWeb(t, "core01")
	save(t, "vm/core02/made.json", "{")
	t.Setenv("PATH", brokenAwk(t)+":"+os.Getenv("PATH")) //nolint:forbidigo // the test's own
	r := run(t, "ready=on")
	seen := unitsOfReady(t.Context(), r, readyNodes(r, "core01", "core02"))
	if err := failedUnits(r.Settings, seen); err != nil || seen[1].brief() != notKnown {
		t.Errorf("got %v, %+v", err, seen)
	}
	if got := r.said(); !strings.Contains(got, "warning: core02: its units are not known: the Ignition document is not JSON: ") || !strings.Contains(got, " ssh node=core02` shows whether ") {
		t.Errorf("got\n%s", got)
	}
}

// brokenAwk is a folder with an awk that fails: an image may lack it.
func brokenAwk(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	save(t, filepath.Join(folder, "awk"), "#!/bin/sh\nexit 127\n")
	if err := os.Chmod(filepath.Join(folder, "awk"), 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

// TestStatusHasUnits: a node is asked once in a while, and again after a boot.
func TestStatusHasUnits(t *testing.T) {
	loggedIn(t, "core01")
	fakes := withSystemd(t, map[string]string{"core01.show": died, "core01.journal": "why\n"})
	madeOfWeb(t, "core01")
	r, look, d := run(t, "ready=on"), &unitsLook{}, theDomain(t, "core01")
	all := []nodeStatus{{Node: "core01", Ready: true, Address: "192.0.2.1", moreStatus: moreStatus{unitStatus: unitStatus{boot: "a"}}}, {Node: "core02"}}
	asked := func() int {
		text, _ := os.ReadFile(filepath.Join(fakes, "core01.asked"))
		return strings.Count(string(text), "\n")
	}
	for i, boot := range []string{"a", "a", "b"} {
		all[0].boot, all[0].FailedUnits = boot, nil
		look.into(t.Context(), r, all, []engine.Domain{d, d})
		if want := []int{1, 1, 2}[i]; all[0].Units != "failed: web.service" || len(all[0].FailedUnits) != 1 || all[1].Units != "" || asked() != want {
			t.Errorf("%d: got %+v, asked %d times", i, all, asked())
		}
	}
	if cells := all[0].cells(); cells[uptimeCell+1] != "failed: web.service" {
		t.Errorf("got %q", cells)
	}
}

// TestJournal: lines of several nodes are in the order of their time, those that go on with one stay behind it, and a clock that
// is set back changes nothing in the order of one node's.
func TestJournal(t *testing.T) {
	reached(t, "core01", "core02")
	fakes := withSystemd(t, map[string]string{
		"core01.journal": "2026-11-27T16:00:05.000000+0000 one\n    goes on\n2026-11-27T16:00:01.000000+0000 set \x1b[2Jback\n2026-11-27T16:00:08.000000+0000 three",
		"core02.journal": "2026-11-27T16:00:04.000000+0000 zero\n2026-11-27T16:00:06.000000+0000 two\n",
	})
	r := run(t, "unit=web@*.service")
	if err := Journal(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	want := "core02 2026-11-27T16:00:04.000000+0000 zero\ncore01 2026-11-27T16:00:05.000000+0000 one\ncore01     goes on\n" +
		"core01 2026-11-27T16:00:01.000000+0000 set back\ncore02 2026-11-27T16:00:06.000000+0000 two\ncore01 2026-11-27T16:00:08.000000+0000 three\n"
	if r.said() != want {
		t.Errorf("got\n%s", r.said())
	}
	text, err := os.ReadFile(filepath.Join(fakes, "core01.asked"))
	if err != nil || !strings.Contains(string(text), "--boot ") || !strings.HasSuffix(string(text), " --unit=web@*.service\n") {
		t.Errorf("asked %s, %v", text, err)
	}
	r = run(t, "node=core02")
	if err := Journal(t.Context(), r); err != nil || !strings.HasPrefix(r.said(), "2026-") {
		t.Errorf("of one node: got %v\n%s", err, r.said())
	}
	halt(t, "core01")
	var status session.ExitStatus
	faults := stderrOf(t, func() { err = Journal(t.Context(), run(t)) })
	if !errors.As(err, &status) || !strings.Contains(faults, "core01 core01 is shut off\n") {
		t.Errorf("got %v\n%s", err, faults)
	}
}

// TestJournalFollows: all nodes' lines as they come, until the user ends that, which is not an error.
func TestJournalFollows(t *testing.T) {
	reached(t, "core01", "core02")
	withSystemd(t, map[string]string{"core01.journal": "first\n", "core02.journal": "second\n"})
	ctx, cancel := context.WithCancel(t.Context())
	out, ended := &saying{}, make(chan error, 1)
	r := run(t, "follow=true")
	r.log = progress.New(out)
	go func() { ended <- Journal(ctx, r) }()
	out.wait(t, ended, "core01 2026-11-27T16:00:09.000000+0000 more\n")
	out.wait(t, ended, "core02 2026-11-27T16:00:09.000000+0000 more\n")
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("got %v", err)
		}
	case <-time.After(pace.Hang):
		t.Error("it goes on")
	}
}
