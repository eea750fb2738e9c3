//go:build cgo && libvirt_dlopen

package command

import (
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/engine"
)

// TestSSHToANodeThatIsOff ends at once, with the command that boots it.
func TestSSHToANodeThatIsOff(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=2")
	halt(t, "core02")
	err := SSH(t.Context(), run(t, "node=core02", "ready=on"))
	if err == nil || err.Error() != "core02 is shut off\nhint: `"+asCalled(run(t).Settings, "start", "node=core02")+"` boots it" {
		t.Errorf("got %v", err)
	}
	if d := theDomain(t, "core02"); d.State != engine.ShutOff {
		t.Errorf("it is %s", d.State)
	}
	d := theDomain(t, "core01")
	d.State, d.Reason = engine.Paused, "I/O error"
	if err := standsStill(run(t).Settings, d); err == nil || !strings.HasPrefix(err.Error(), "core01 is paused: I/O error\nhint: `") || !strings.HasSuffix(err.Error(), "lets it go on") {
		t.Errorf("got %v", err)
	}
}

// TestSSHToANodeWhoseBootFailed ends with the reason, long before a node that boots would be given up.
func TestSSHToANodeWhoseBootFailed(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=1")
	save(t, "vm/core01/console.log", "[ 1.0] ignition[700]: CRITICAL : Ignition failed: why\n")
	begin := time.Now()
	err := SSH(t.Context(), run(t, "node=core01", "ready=on"))
	if err == nil || !strings.HasPrefix(err.Error(), "core01 failed: Ignition: ") || !strings.Contains(err.Error(), "\nhint: `mage logs node=core01` shows all of it; `mage up recreate=core01`") {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begin); took > time.Minute {
		t.Errorf("took %s", took)
	}
}
