//go:build cgo && libvirt_dlopen

package stage

import (
	"os"
	"strings"
	"testing"
)

const (
	unchanged     = "core01 unchanged defined, unchanged"
	redefined     = "core01 redefine the domain's definition changed; "
	needsARestart = "it takes effect with `mage restart`"
)

// ups is `mage up` that says a text.
func ups(t *testing.T, want string, words ...string) {
	t.Helper()
	if said := mustUp(t, append(words, "nodes=1")...); !strings.Contains(said, want) {
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
	workspace(t)
	mustUp(t, "nodes=1")
	for _, vcpu := range []string{"4", "16", "3"} {
		plans(t, 2, redefined+"the running node takes it", "nodes=1", "vcpu="+vcpu)
		ups(t, "core01: the running node has taken it", "vcpu="+vcpu)
		plans(t, 0, unchanged, "nodes=1", "vcpu="+vcpu)
	}
	has(t, 3)
	if drift := run(t, "nodes=1", "vcpu=3").drift(t.Context())["core01"]; drift != "" {
		t.Errorf("status shows %q", drift)
	}
	plans(t, 2, redefined+needsARestart, "nodes=1", "vcpu=17") // more than there is room for
	ups(t, needsARestart, "vcpu=17")
	has(t, 3)
	plans(t, 0, unchanged+"; "+outdated, "nodes=1", "vcpu=17")
}

// TestARunningNodeTakesAPart of what changed, and needs a restart for the rest.
func TestARunningNodeTakesAPart(t *testing.T) {
	workspace(t)
	mustUp(t, "nodes=1")
	good, _ := os.ReadFile("templates/domain.xml.tmpl")
	save(t, "templates/domain.xml.tmpl", strings.Replace(string(good), "preserve", "destroy", 1))
	ups(t, "the running node takes its processors, the rest takes effect with `mage restart`", "vcpu=4")
	has(t, 4)
	plans(t, 0, unchanged+"; "+outdated, "nodes=1", "vcpu=4")
	save(t, "templates/domain.xml.tmpl", string(good))
	plans(t, 2, redefined+"the running node takes it", "nodes=1") // as it was started, but for the processors
	ups(t, "core01: the running node has taken it")
	has(t, 2)
	plans(t, 0, unchanged, "nodes=1")
}

// TestWhatIsRefusedNeedsARestart: libvirt's test driver changes processors, and neither memory nor network cards.
func TestWhatIsRefusedNeedsARestart(t *testing.T) {
	workspace(t)
	mustUp(t, "nodes=1")
	words := []string{"nodes=1", "ram=2560", "vcpu=4", "bridge=br1"}
	plans(t, 2, redefined+"the running node takes it", words...)
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
	plans(t, 0, unchanged+"; "+outdated, words...)
	if drift := run(t, words...).drift(t.Context())["core01"]; drift != outdated {
		t.Errorf("status shows %q", drift)
	}
	plans(t, 2, redefined+"the running node takes its network and processors, the rest takes effect with `mage restart`", "nodes=1")
	stopAll(t)
	mustUp(t, words...)
	plans(t, 0, unchanged, words...)
}

// TestMemoryThatCannotBePlugged: less, no whole blocks, more than there is room for.
func TestMemoryThatCannotBePlugged(t *testing.T) {
	workspace(t)
	mustUp(t, "nodes=1")
	for _, ram := range []string{"1024", "2100", "20480"} {
		plans(t, 2, redefined+needsARestart, "nodes=1", "ram="+ram)
	}
}
