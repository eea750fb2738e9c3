package domainxml

import (
	"fmt"
	"strings"
	"testing"

	"coreos-libvirt/internal/engine"
)

// defined is a definition with room for 16 processors and 16 GiB.
func defined(vcpu, ram int, bridge, crash string) string {
	return fmt.Sprintf(`<domain type='kvm'><name>core01</name><metadata><node xmlns="urn:coreos-libvirt:node:1" definition="%d %d %s"/></metadata>
<maxMemory slots='2' unit='GiB'>16</maxMemory><memory unit='MiB'>%[2]d</memory><vcpu current='%[1]d'>16</vcpu><on_crash>%[4]s</on_crash>
<cpu><numa><cell id='0' cpus='0-15' memory='%[2]d' unit='MiB'/></numa></cpu>
<devices><interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='%[3]s'/></interface></devices></domain>`, vcpu, ram, bridge, crash)
}

func TestLiveChanges(t *testing.T) {
	was := defined(2, 2048, "br0", "preserve")
	runs := engine.Machine{VCPUs: 2, MaxVCPUs: 16, FixedVCPUs: 2, Memory: 2048, MaxMemory: 16384, Slots: 2}
	with := func(change func(*engine.Machine)) engine.Machine {
		other := runs
		change(&other)
		return other
	}
	grown := with(func(m *engine.Machine) { m.VCPUs, m.Memory, m.Slots = 4, 2560, 1 })
	full := with(func(m *engine.Machine) { m.Slots = 0 })
	large := with(func(m *engine.Machine) { m.Memory, m.MaxMemory = 64<<10, 128<<10 })
	fixed := with(func(m *engine.Machine) { m.MaxVCPUs, m.MaxMemory, m.Slots = 2, 0, 0 })
	for what, c := range map[string]struct {
		is    string
		runs  engine.Machine
		takes string
		vcpus int
		ram   int
		short bool
		rest  bool
	}{
		"nothing":                      {was, runs, "", 0, 0, false, false},
		"another bridge":               {defined(2, 2048, "br1", "preserve"), runs, "network", 0, 0, false, false},
		"more processors":              {defined(4, 2048, "br0", "preserve"), runs, "processors", 4, 0, false, false},
		"more than there is room for":  {defined(17, 2048, "br0", "preserve"), runs, "", 0, 0, true, false},
		"fewer than it began with":     {defined(1, 2048, "br0", "preserve"), runs, "", 0, 0, true, false},
		"one plugged processor less":   {defined(3, 2560, "br0", "preserve"), grown, "processors", 3, 0, false, false},
		"back to what it began with":   {was, grown, "processors", 2, 0, true, false},
		"as it is by now":              {defined(4, 2560, "br0", "preserve"), grown, "", 0, 0, false, false},
		"more memory":                  {defined(2, 2560, "br0", "preserve"), runs, "memory", 0, 2560, false, false},
		"more again":                   {defined(4, 3072, "br0", "preserve"), grown, "memory", 0, 3072, false, false},
		"less":                         {defined(2, 1024, "br0", "preserve"), runs, "", 0, 0, true, false},
		"no whole blocks":              {defined(2, 2100, "br0", "preserve"), runs, "", 0, 0, true, false},
		"no slot":                      {defined(2, 2560, "br0", "preserve"), full, "", 0, 0, true, false},
		"beyond the room":              {defined(2, 32<<10, "br0", "preserve"), runs, "", 0, 0, true, false},
		"larger blocks":                {defined(2, 66<<10, "br0", "preserve"), large, "memory", 0, 66 << 10, false, false},
		"no whole larger blocks":       {defined(2, 65<<10, "br0", "preserve"), large, "", 0, 0, true, false},
		"both, without room":           {defined(4, 2560, "br0", "preserve"), fixed, "", 0, 0, true, false},
		"all":                          {defined(4, 2560, "br1", "preserve"), runs, "network and processors and memory", 4, 2560, false, false},
		"all, and what it cannot take": {defined(4, 2560, "br1", "destroy"), runs, "network and processors and memory", 4, 2560, false, true},
		"more room":                    {strings.Replace(was, "'>16<", "'>32<", 1), runs, "", 0, 0, false, true},
		"another card":                 {strings.Replace(was, "</interface>", "</interface><interface type='user'/>", 1), runs, "", 0, 0, false, true},
	} {
		got, err := LiveChanges(was, c.is, c.runs)
		if err != nil || got.String() != c.takes || got.VCPUs != c.vcpus || got.Memory != c.ram || got.Short != c.short || got.Rest != c.rest {
			t.Errorf("%s: got %+v, %v", what, got, err)
		}
	}
	moved, _ := LiveChanges(was, defined(2, 2048, "br1", "preserve"), runs)
	if len(moved.Cards) != 1 || !strings.Contains(moved.Cards[0], `<source bridge="br1">`) || !strings.Contains(moved.Cards[0], "52:54:00:00:00:01") {
		t.Errorf("another bridge: got %q", moved.Cards)
	}
}

// TestMachine reads a running domain as libvirt tells of it, two processors and a DIMM plugged.
func TestMachine(t *testing.T) {
	d, err := Parse(`<domain><name>core01</name><maxMemory slots='8' unit='KiB'>16777216</maxMemory><memory unit='KiB'>2621440</memory>
<vcpu placement='static' current='4'>16</vcpu><vcpus><vcpu id='0' enabled='yes' hotpluggable='no' order='1'/><vcpu id='1' enabled='yes' hotpluggable='no' order='2'/>
<vcpu id='2' enabled='yes' hotpluggable='yes' order='3'/><vcpu id='3' enabled='yes' hotpluggable='yes' order='4'/><vcpu id='4' enabled='no' hotpluggable='yes'/></vcpus>
<devices><memory model='dimm'><target><size unit='KiB'>524288</size></target></memory></devices></domain>`)
	if want := (engine.Machine{VCPUs: 4, MaxVCPUs: 16, FixedVCPUs: 2, Memory: 2560, MaxMemory: 16384, Slots: 7}); err != nil || d.Machine != want {
		t.Errorf("got %+v, %v", d.Machine, err)
	}
	d, err = Parse(`<domain type='qemu'><name>core01</name><memory unit='GiB'>2</memory><vcpu>2</vcpu></domain>`)
	if want := (engine.Machine{VCPUs: 2, MaxVCPUs: 2, FixedVCPUs: 2, Memory: 2048}); err != nil || d.Machine != want {
		t.Errorf("without room, under TCG: got %+v, %v", d.Machine, err)
	}
}

// TestFixedProcessors: where libvirt does not say which can be unplugged, none can.
func TestFixedProcessors(t *testing.T) {
	if d, err := Parse(`<domain type='kvm'><name>core01</name><vcpu>4</vcpu></domain>`); err != nil || d.Machine.FixedVCPUs != 4 {
		t.Errorf("got %+v, %v", d.Machine, err)
	}
}
