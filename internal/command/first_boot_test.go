//go:build cgo && libvirt_dlopen

package command

import (
	"os"
	"strings"
	"testing"
)

const failedIgnition = "[    3.1] Linux version 6.1\n[    9.9] ignition[512]: Ignition failed: failed to fetch config: bad URL\n"

// unready is a node that runs, and has not been ready since it was made. It is of a config that is then changed.
func unready(t *testing.T, console string) {
	t.Helper()
	inClone(t)
	t.Setenv("COREOS_NODES", "1")
	t.Setenv("COREOS_READY", "on")
	if _, err := definedRun(t); err != nil {
		t.Fatal(err)
	}
	bootDomain(t, "core01")
	save(t, "vm/core01/console.log", console)
	if err := holderOf(t).Start("core01"); err != nil {
		t.Fatal(err)
	}
	save(t, "plain.yml", strings.Replace(plain, "Node_Name", "Node_Number", 1))
}

// TestANodeThatWasNeverReadyIsRecreated without being asked, when its document changes.
func TestANodeThatWasNeverReadyIsRecreated(t *testing.T) {
	unready(t, failedIgnition)
	plans(t, 2, "core01 recreate its first boot never succeeded, and ignition.json changed")
	before := look(t)["core01"].disk
	r, err := definedRun(t)
	if err == nil {
		_, err = recreateTogether(t.Context(), r, r.values.defined.value)
	}
	if said := r.said(); err != nil || !strings.Contains(said, "core01: will be recreated: its first boot never succeeded, and ignition.json changed") || look(t)["core01"].disk == before {
		t.Errorf("got %v\n%s", err, said)
	}
	plans(t, 2, "core01 start it does not run") // of the new document
}

// TestANodeThatMayHaveDataIsNot, whatever its document is now.
func TestANodeThatMayHaveDataIsNot(t *testing.T) {
	const old = "core01 outdated defined, unchanged; ignition.json changed since it was made: `… recreate=changed` recreates it"
	unready(t, failedIgnition)
	for name, change := range map[string]func(){
		"it was ready":                    func() { save(t, "vm/core01/report.json", "{}") },
		"it was ready in a boot before":   func() { save(t, "vm/core01/report.earlier.json", "{}") },
		"it came up in a boot after that": func() { save(t, "vm/core01/console.log", failedIgnition+"core01 login: ") },
		"it came up in the boot before": func() {
			save(t, "vm/core01/console.log", "Linux version 6.1\ncore01 login: \n"+strings.Repeat("a line\n", 20_000)+failedIgnition)
		},
		"it is up, and cannot be reached":  func() { save(t, "vm/core01/console.log", "Linux version 6.1\ncore01 login: ") },
		"its log has begun anew":           func() { save(t, "vm/core01/console.log.0", "") },
		"a run came to its end":            func() { _ = os.Remove("vm/core01/fresh") },
		"what it was made from is unknown": func() { _ = os.Remove("vm/core01/made.json") },
	} {
		made := contents(t, "vm/core01/made.json")
		change()
		plans(t, 2, old)
		if t.Failed() {
			t.Fatal(name)
		}
		save(t, "vm/core01/made.json", made)
		save(t, "vm/core01/fresh", "")
		save(t, "vm/core01/console.log", failedIgnition)
		for _, file := range []string{"report.json", "report.earlier.json", "console.log.0"} {
			_ = os.Remove("vm/core01/" + file)
		}
	}
}

// TestPlanShowsWhatChangedInDocuments: decoded, once for all nodes with the same lines, and not with diff=false.
func TestPlanShowsWhatChangedInDocuments(t *testing.T) {
	inClone(t)
	save(t, "plain.yml", strings.Replace(plain, "inline: Node_Name", "inline: the first text", 1))
	mustUp(t)
	save(t, "plain.yml", strings.Replace(plain, "inline: Node_Name", "inline: the second text", 1))
	said := mustUp(t) // which renders it
	if want := "2 nodes run an older config: " + upAsCalled(run(t).Settings, "recreate=changed") + "\n"; !strings.HasSuffix(said, want) {
		t.Errorf("no %q in\n%s", want, said)
	}
	const diff = "core01, core02: what changed in the Ignition document\n@@"
	for word, want := range map[string]bool{"diff=true": true, "diff=false": false, "format=json": false} {
		r := run(t, word)
		_ = r.Plan(t.Context())
		said := r.said()
		if strings.Contains(said, diff) != want || want && (!strings.Contains(said, "-      contents: the first text\n") || !strings.Contains(said, "+      contents: the second text\n")) {
			t.Errorf("%s: got\n%s", word, said)
		}
		if word == "format=json" && (strings.Count(said, `"diff": "@@`) != 2 || strings.Count(said, `"action": "outdated"`) != 2) {
			t.Errorf("got\n%s", said)
		}
	}
}

// TestStatusSaysWhatFailed in place of that it is not known.
func TestStatusSaysWhatFailed(t *testing.T) {
	unready(t, failedIgnition)
	r := run(t)
	if err := Status(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"running   failed: Ignition: [    9.9] ignition[512]: Ignition failed: failed to fetch config: bad URL ",
		"recreate: its first boot never succeeded, and ignition.json changed\n", // as `mage plan` says
	} {
		if !strings.Contains(r.said(), want) {
			t.Errorf("no %q in\n%s", want, r.said())
		}
	}
}

// TestANodeIsNotDefinedForAnotherProcessor than it was made for.
func TestANodeIsNotDefinedForAnotherProcessor(t *testing.T) {
	inClone(t)
	t.Setenv("COREOS_NODES", "1")
	mustUp(t, "arch=x86_64")
	plans(t, 2, "core01 recreate needed defined, left as it is; arch= changed from x86_64 to aarch64 since it was made: `… recreate=changed` recreates it", "arch=aarch64", "ram=512")
	before := theDomain(t, "core01").XML
	if said := mustUp(t, "arch=aarch64", "ram=512"); theDomain(t, "core01").XML != before || !strings.Contains(said, "core01: arch= changed from x86_64 to aarch64 since it was made; it goes on as it is") {
		t.Errorf("got\n%s", said)
	}
	plans(t, 0, "core01 unchanged defined, unchanged", "arch=x86_64")
}
