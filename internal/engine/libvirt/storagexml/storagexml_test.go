package storagexml

import (
	"strings"
	"testing"
	"time"
)

// The text is what libvirt 9.0 says of a volume.
func TestVolumes(t *testing.T) {
	info, err := ParseVolume(`<volume type='file'><name>core01.qcow2</name><key>/p/core01.qcow2</key><capacity unit='bytes'>1073741824</capacity>
		<allocation unit='bytes'>200704</allocation><physical unit='bytes'>196616</physical><target><path>/p/core01.qcow2</path><format type='qcow2'/>
		<timestamps><atime>1764272185.5</atime><mtime>1764272184.250000000</mtime></timestamps></target><backingStore><path>/p/base.qcow2</path></backingStore></volume>`)
	want := Info{Length: 196616, Takes: 200704, Capacity: 1 << 30, Backing: "/p/base.qcow2", Written: time.Unix(1764272184, 250_000_000)}
	if err != nil || info != want {
		t.Errorf("got %+v, want %+v, %v", info, want, err)
	}
	text, err := Volume{Name: `a & "b"`, Format: QCOW2, Bytes: 5, Backing: "/p/<base>", Mode: 0o600}.Marshal()
	for _, part := range []string{"<name>a &amp; ", `<capacity unit="bytes">5</capacity>`, `<allocation unit="bytes">0</allocation>`, "<mode>0600</mode>", "<compat>1.1</compat>", "<path>/p/&lt;base&gt;</path>"} {
		if err != nil || !strings.Contains(text, part) {
			t.Errorf("no %s in\n%s, %v", part, text, err)
		}
	}
	for _, broken := range []string{"", "<volume", "<pool/>"} {
		if _, err := ParseVolume(broken); err == nil {
			t.Errorf("%q is a volume", broken)
		}
	}
	if at := timeOf("never"); !at.IsZero() {
		t.Errorf("got %v", at)
	}
}

func TestPools(t *testing.T) {
	text, err := Pool("mine", "/srv/<pool>")
	if err != nil {
		t.Fatal(err)
	}
	if kind, folder, err := ParsePool(text); err != nil || kind != "dir" || folder != "/srv/<pool>" || !strings.Contains(text, "<mode>0711</mode>") {
		t.Errorf("got %s, %s, %v of\n%s", kind, folder, err, text)
	}
}
