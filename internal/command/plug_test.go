//go:build cgo && libvirt_dlopen

package command

import (
	"os"
	"strings"
	"testing"
)

const (
	unchanged     = "core01 unchanged defined, unchanged"
	needsARestart = "it takes effect with `mage restart`"
)

// redefined is what `mage plan` says of a node whose definition changed.
func redefined(what string) string {
	return "core01 redefine the domain's definition changed: " + what + "; "
}

// ups is `mage up` that says a text.
func ups(t *testing.T, want string, words ...string) {
	t.Helper()
	if said := mustUp(t, append(words, "nodes=1")...); !strings.Contains(short(said), want) {
		t.Errorf("%q: no %q in\n%s", words, want, said)
	}
}

// has compares how many processors the running node has.
func has(t *testing.T, vcpus int) {
	t.Helper()
	if d := theDomain(t, "core01"); d.Runs.VCPUs != vcpus {
		t.Errorf("the running node has %+v", d.Runs)
	}
}

func TestARunningNodeTakesProcessors(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=1")
	before := "2"
	for _, vcpu := range []string{"4", "16"} {
		plans(t, 2, redefined("vcpu "+before+" → "+vcpu)+"the running node takes it", "nodes=1", "vcpu="+vcpu)
		before = vcpu
		ups(t, "core01: the running node has taken it; ready=off: whether its system uses it is up to that", "vcpu="+vcpu)
		plans(t, 0, unchanged, "nodes=1", "vcpu="+vcpu)
	}
	has(t, 16)
	if drift := drift(t.Context(), run(t).Settings, wouldDo(run(t, "nodes=1", "vcpu=16"), askQuick), warn)["core01"]; drift != "" {
		t.Errorf("status shows %q", drift)
	}
	plans(t, 2, redefined("vcpu 16 → 3")+needsARestart, "nodes=1", "vcpu=3")   // fewer, and libvirt's test driver does not say which can go
	plans(t, 2, redefined("vcpu 16 → 17")+needsARestart, "nodes=1", "vcpu=17") // more than there is room for
	ups(t, needsARestart, "vcpu=17")
	has(t, 16)
	plans(t, 0, unchanged+"; "+outdated("mage restart"), "nodes=1", "vcpu=17")
}

// TestARunningNodeTakesAPart of what changed, and needs a restart for the rest.
func TestARunningNodeTakesAPart(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=1")
	good, _ := os.ReadFile("templates/domain.xml.tmpl")
	save(t, "templates/domain.xml.tmpl", strings.Replace(string(good), "preserve", "destroy", 1))
	ups(t, "the running node takes its processors, the rest takes effect with `mage restart`", "vcpu=4")
	has(t, 4)
	plans(t, 0, unchanged+"; "+outdated("mage restart"), "nodes=1", "vcpu=4")
	save(t, "templates/domain.xml.tmpl", string(good))
	plans(t, 2, redefined("vcpu 4 → 2")+needsARestart, "nodes=1", "vcpu=2") // as it was started, but for the processors
	stopAll(t)
	mustUp(t, "nodes=1", "vcpu=2")
	has(t, 2)
	plans(t, 0, unchanged, "nodes=1")
}

// TestWhatIsRefusedNeedsARestart: libvirt's test driver changes processors, and neither memory nor network cards.
func TestWhatIsRefusedNeedsARestart(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=1")
	words := []string{"nodes=1", "ram=2560", "vcpu=4", "bridge=br1"}
	plans(t, 2, redefined("ram 2048 → 2560 MiB, vcpu 2 → 4, network br0 → br1")+"the running node takes it", words...)
	said := mustUp(t, words...)
	for _, refused := range []string{"memory", "network"} {
		if !strings.Contains(said, "core01: the running node does not take its "+refused+", which takes effect with `mage restart`: ") {
			t.Errorf("%s: got\n%s", refused, said)
		}
	}
	if strings.Contains(said, "has taken it") {
		t.Errorf("got\n%s", said)
	}
	has(t, 4)
	plans(t, 0, unchanged+"; "+outdated("mage restart"), words...)
	if drift := drift(t.Context(), run(t).Settings, wouldDo(run(t, words...), askQuick), warn)["core01"]; short(drift) != outdated("mage restart") {
		t.Errorf("status shows %q", drift)
	}
	plans(t, 2, redefined("ram 2560 → 2048 MiB, vcpu 4 → 2, network br1 → br0")+"the running node takes its network, the rest takes effect with `mage restart`", "nodes=1", "ram=2048", "vcpu=2", "bridge=br0")
	stopAll(t)
	mustUp(t, words...)
	plans(t, 0, unchanged, words...)
}

// TestBackAfterARefusal: what was refused is not wanted any more, and the node is as it was started.
func TestBackAfterARefusal(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=1")
	ups(t, "core01: the running node does not take its memory", "ram=2560")
	plans(t, 0, unchanged+"; "+outdated("mage restart"), "nodes=1", "ram=2560")
	mustUp(t, "nodes=1", "ram=2048")
	plans(t, 0, unchanged, "nodes=1")
}

// TestADefinitionThatLibvirtNeverHad is in the file of a run that ended before: the node does not run by it.
func TestADefinitionThatLibvirtNeverHad(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=1")
	other := "templates/domain.xml.tmpl"
	good, _ := os.ReadFile(other)
	before, _ := os.ReadFile("vm/core01/domain.xml")
	save(t, other, strings.Replace(string(good), "preserve", "destroy", 1))
	domain := theDomain(t, "core01").XML
	mustUp(t, "nodes=1", "vcpu=4")
	written, _ := os.ReadFile("vm/core01/domain.xml")
	conn, err := run(t).libvirt()
	if err == nil {
		_, err = conn.Define(domain)
	}
	if err != nil { // it is as if it had not come so far
		t.Fatal(err)
	}
	save(t, "vm/core01/domain.xml", string(written))
	if string(before) == string(written) {
		t.Fatal("the definition is the same")
	}
	plans(t, 2, redefined("vcpu 2 → 4")+needsARestart, "nodes=1", "vcpu=4")
}

// TestANodeThatLacksTheRule is one of an earlier document: what is plugged it may not use.
func TestANodeThatLacksTheRule(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=1")
	save(t, "plain.yml", "variant: fcos\nversion: 1.5.0\npasswd: {users: [{name: other}]}\n")
	ups(t, needsARestart, "vcpu=4")
	has(t, 2)
}

// TestAnOlderDocumentHasTheRule, too: a node whose document changed takes what is plugged all the same.
func TestAnOlderDocumentHasTheRule(t *testing.T) {
	inClone(t)
	words := []string{"nodes=1", "ready=on"}
	if _, err := definedRun(t, words...); err != nil {
		t.Fatal(err)
	}
	if err := holderOf(t).Start("core01"); err != nil {
		t.Fatal(err)
	}
	save(t, "plain.yml", "variant: fcos\nversion: 1.5.0\npasswd: {users: [{name: other}]}\n")
	words = append(words, "vcpu=4")
	save(t, "vm/core01/report.json", "{}")
	plans(t, 2, redefined("vcpu 2 → 4")+"the running node takes it; ignition.json changed since it was made: `… recreate=changed` recreates it", words...)
	if _, err := definedRun(t, words...); err != nil {
		t.Fatal(err)
	}
	has(t, 4)
}

// TestMemoryThatCannotBePlugged: less, no whole blocks, more than there is room for.
func TestMemoryThatCannotBePlugged(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=1")
	for _, ram := range []string{"1024", "2100", "20480"} {
		plans(t, 2, redefined("ram 2048 → "+ram+" MiB")+needsARestart, "nodes=1", "ram="+ram)
	}
}
