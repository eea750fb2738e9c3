package domainxml

import (
	"strings"
	"testing"
)

// internalSnapshot is what libvirt 9.0 says of one of a guest that ran, shortened.
const internalSnapshot = `<domainsnapshot><name>clean</name><description>coreos-libvirt cluster=core</description><state>paused</state>
<creationTime>1795785941</creationTime><memory snapshot='internal'/><disks><disk name='vda' snapshot='internal'/><disk name='sda' snapshot='no'/></disks>
<domain type='qemu'><devices><disk type='file'><source file='/a/core01.qcow2'/><backingStore type='file'><source file='/store/base.qcow2'/></backingStore></disk>
<disk type='file'><source file='/a/data.qcow2'/></disk></devices></domain></domainsnapshot>`

func TestParseSnapshot(t *testing.T) {
	s, err := ParseSnapshot(internalSnapshot)
	if err != nil || s.Name != "clean" || !s.Memory || !s.Inside || s.Made.Unix() != 1795785941 || strings.Join(s.Disks, " ") != "/a/core01.qcow2 /a/data.qcow2" {
		t.Errorf("got %+v, %v", s, err)
	}
	off, err := ParseSnapshot(strings.Replace(strings.Replace(internalSnapshot, "paused", "shutoff", 1), "name='vda' snapshot='internal'", "name='vda' snapshot='external'", 1))
	if err != nil || off.Memory || off.Inside {
		t.Errorf("got %+v, %v", off, err)
	}
	if _, err := ParseSnapshot("<domainsnapshot>"); err == nil {
		t.Error("what is no XML is read")
	}
}
