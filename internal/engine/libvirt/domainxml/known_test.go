package domainxml

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"coreos-libvirt/internal/engine"
)

const ofNode = `<domain type='qemu'><name>core01</name><uuid>00000000-0000-0000-0000-000000000011</uuid>
	<metadata><node xmlns="urn:coreos-libvirt:node:1" workspace="/w" cluster="core" number="1" ignition="aa" base="/b" definition="bb"/></metadata>
	<memory unit='MiB'>64</memory><os><type arch='x86_64'>hvm</type></os><devices>
	<disk type='file' device='disk'><source file='/w/vm/core01/core01.qcow2'/><target dev='vda'/></disk>
	<interface type='bridge'><source bridge='br0'/><mac address='52:54:00:00:00:01'/></interface></devices></domain>`

// TestParseAgain: who changes what was read changes it for nobody else.
func TestParseAgain(t *testing.T) {
	first, err := Parse(ofNode)
	if err != nil {
		t.Fatal(err)
	}
	want := apart(first)
	first.Metadata.Firmware, first.Disks[0], first.MACs[0], first.State = "uefi", "/other", "none", engine.Running
	if again, err := Parse(ofNode); err != nil || !reflect.DeepEqual(again, want) {
		t.Errorf("got %+v, %v, and it was %+v", again, err, want)
	}
	for range 2 {
		if _, err := Parse("<domain"); err == nil || !strings.HasPrefix(err.Error(), "cannot read a domain's definition: ") {
			t.Errorf("got %v", err)
		}
	}
}

// TestKnownForgets: a process that goes on for long does not keep all that it ever read, and what is asked for again and again is read once.
func TestKnownForgets(t *testing.T) {
	var k known
	long, reads := strings.Repeat("x", 1<<20), map[string]int{}
	read := func(text string) (engine.Domain, error) {
		reads[text]++
		return engine.Domain{Name: text[:3]}, nil
	}
	for i := range 200 {
		for _, text := range []string{"always", fmt.Sprintf("%03d", i) + long} {
			if d, err := k.get(text, read); err != nil || d.Name != text[:3] {
				t.Fatalf("got %+v, %v", d, err)
			}
		}
	}
	if kept := len(k.young) + len(k.old); reads["always"] != 1 || kept > 3*(mostKnown>>20) || kept < mostKnown>>20 {
		t.Errorf("it was read %d times, and %d are kept", reads["always"], kept)
	}
}
