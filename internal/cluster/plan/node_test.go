package plan

import (
	"testing"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
)

func TestPlan(t *testing.T) {
	node := workspace.Nodes("/w/vm", "core", 1)[0]
	want := engine.Metadata{Ignition: "new", Base: "/base", Definition: "d"}
	same, edited, retyped := want, want, want
	edited.Ignition, retyped.Definition = "old", "old"
	used := engine.Disk{Exists: true, Backing: "/base"}
	fresh := engine.Disk{Exists: true, Backing: "/base", Pristine: true}
	for name, c := range map[string]struct {
		have   *engine.Metadata
		state  engine.State
		disk   engine.Disk
		action Action
		why    string
		drift  string
	}{
		"nothing there":            {nil, "", engine.Disk{}, Create, "new", ""},
		"killed before the domain": {nil, "", fresh, Create, "an overlay without a domain is recreated", ""},
		"the same":                 {&same, engine.Running, used, Keep, "defined, unchanged", ""},
		"never booted, edited":     {&edited, engine.ShutOff, fresh, Create, "ignition.json changed", ""},
		"booted, edited":           {&edited, engine.ShutOff, used, Keep, "defined, unchanged", "ignition.json changed"},
		"running, edited":          {&edited, engine.Running, used, Keep, "defined, unchanged", "ignition.json changed"},
		"other hardware":           {&retyped, engine.Running, used, Redefine, "the domain's definition changed", ""},
		"overlay removed by hand":  {&same, engine.ShutOff, engine.Disk{}, Create, "its overlay is gone", ""},
		"paused, edited":           {&edited, engine.Paused, fresh, Keep, "defined, unchanged", "ignition.json changed"},
		"crashed, edited":          {&edited, engine.Crashed, fresh, Keep, "defined, unchanged", "ignition.json changed"},
		"domain removed by hand":   {nil, "", used, Redefine, "its domain is gone, its disk is kept", ""},
		"removed under a guest":    {&same, engine.Running, engine.Disk{}, Keep, "defined, unchanged", "its overlay is gone"},
		"overlay of another base":  {&same, engine.ShutOff, engine.Disk{Exists: true, Backing: "/x"}, Keep, "defined, unchanged", "its overlay stands on /x"},
	} {
		got := ForNode(node, want, Found{Domain: engine.Domain{Name: "core01", State: c.state, Metadata: c.have}, Defined: c.have != nil, Disk: c.disk})
		if got.Action != c.action || got.Why != c.why || got.Drift != c.drift {
			t.Errorf("%s: got %s (%s), drift %q", name, got.Action, got.Why, got.Drift)
		}
		if c.drift != "" && got.Want.Ignition != c.have.Ignition {
			t.Errorf("%s: a node that is not recreated must keep the digest it was made from", name)
		}
	}
}
