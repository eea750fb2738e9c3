package machines

import (
	"testing"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/kubevirt"
	"coreos-libvirt/internal/engine/kubevirt/objects"
)

// TestAMachineIsADomain with its mark. That a pod runs is not enough: it must be in a state in which the guest may have booted.
func TestAMachineIsADomain(t *testing.T) {
	for _, c := range []struct {
		state, pod string
		want       engine.State
	}{
		{"Running", "p", engine.Running},
		{"Starting", "p", engine.Running},
		{"Starting", "", engine.Other},
		{"Paused", "p", engine.Paused},
		{"Stopped", "", engine.ShutOff},
		{"Stopping", "p", engine.Other},
		{"ErrorUnschedulable", "", engine.Other},
	} {
		d := domainOf(kubevirt.Machine{
			Name: "core-db02", State: c.state, Pod: c.pod, UUID: "u", Why: "why",
			Labels: map[string]string{objects.LabelWorkspace: "id", objects.LabelCluster: "core"},
			Notes:  map[string]string{objects.NoteGroup: "db", objects.NoteNumber: "2", objects.NoteWorkspace: "/w", objects.NoteEtcd: engine.NoEtcd, objects.NoteImage: "i", objects.NoteDefinition: "d"},
		})
		if d.State != c.want || d.UUID != "u" || (d.State == engine.Other) != (d.Reason == c.state+": why") {
			t.Errorf("%s in %q: got %+v", c.state, c.pod, d)
		}
		if m := d.Metadata; m.ID != "id" || m.Cluster != "core" || m.Group != "db" || m.Number != 2 || m.Workspace != "/w" || m.IsMember() || m.Base != "i" || m.Definition != "d" {
			t.Errorf("got %+v", m)
		}
	}
}
