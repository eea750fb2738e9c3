package plan

import (
	"fmt"
	"testing"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/workspace"
)

// defined is a definition with room for 16 processors and 16 GiB.
func defined(vcpu, ram int, bridge, crash string) string {
	return fmt.Sprintf(`<domain type='kvm'><name>core01</name>
<maxMemory slots='2' unit='GiB'>16</maxMemory><memory unit='MiB'>%[2]d</memory><vcpu current='%[1]d'>16</vcpu><on_crash>%[4]s</on_crash>
<cpu><numa><cell id='0' cpus='0-15' memory='%[2]d' unit='MiB'/></numa></cpu>
<devices><interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='%[3]s'/></interface></devices></domain>`, vcpu, ram, bridge, crash)
}

// TestWhatIsPluggedOutlivesADefinition: a node that took memory and is defined as it was started, without, has it still.
func TestWhatIsPluggedOutlivesADefinition(t *testing.T) {
	small, large := engine.Machine{VCPUs: 2, MaxVCPUs: 16, FixedVCPUs: 2, Memory: 2048, MaxMemory: 16384, Slots: 8}, engine.Machine{VCPUs: 2, MaxVCPUs: 16, FixedVCPUs: 2, Memory: 2560, MaxMemory: 16384, Slots: 7}
	want := engine.Metadata{Definition: "d0"}
	found := func(have string, machine engine.Machine) Found {
		return Found{Defined: true, Disk: engine.Disk{Exists: true}, Domain: engine.Domain{
			Name: "core01", State: engine.Running, Metadata: &engine.Metadata{Definition: have}, Started: "d0", Machine: machine, Runs: large,
		}}
	}
	kept := ForNode(workspace.Node{}, want, found("d0", small))
	if kept.Action != Keep || !kept.Restart {
		t.Errorf("defined: got %s, %v", kept.Action, kept.Restart)
	}
	if same := ForNode(workspace.Node{}, want, found("d0", large)); same.Restart {
		t.Error("nothing differs")
	}
	step := ForNode(workspace.Node{}, want, found("d1", large))
	paused := found("d1", large)
	paused.Domain.State, paused.Domain.Started = engine.Paused, "d1"
	if on := ForNode(workspace.Node{}, want, paused); on.Action != Redefine || !on.Restart {
		t.Errorf("a paused one goes on as it was started: got %s, %v", on.Action, on.Restart)
	}
	for live, restart := range map[string]bool{defined(2, 2048, "br0", "preserve"): true, defined(2, 2560, "br0", "preserve"): false} {
		changes, err := libvirt.Definitions{}.LiveChanges(defined(2, 2560, "br1", "destroy"), live, step.Runs)
		if step.Take(changes); err != nil || step.Restart != restart {
			t.Errorf("want %v, got %+v, %v", restart, step, err)
		}
	}
}
