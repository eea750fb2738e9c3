//go:build cgo && libvirt_dlopen

package hypervisor

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"coreos-libvirt/internal/cluster"
)

// open connects to libvirt's in-process driver, which comes with one foreign domain called test.
func open(t *testing.T) *Conn {
	t.Helper()
	conn, err := Open("test:///default", func() string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

func definition(name, metadata string) string {
	return fmt.Sprintf(`<domain type='test'><name>%s</name><metadata>%s</metadata><memory unit='MiB'>64</memory>
		<os><type>hvm</type></os></domain>`, name, metadata)
}

const ours = `<node xmlns="urn:coreos-libvirt:node:1" workspace="/w" cluster="core" number="1" ignition="aa" base="/b" definition="bb"/>`

func TestLifecycle(t *testing.T) {
	conn := open(t)
	if _, err := conn.Define(definition("core01", ours)); err != nil {
		t.Fatal(err)
	}
	domains, err := conn.Domains()
	if err != nil {
		t.Fatal(err)
	}
	d := domains["core01"]
	if d.State != cluster.ShutOff || d.Metadata == nil || d.Metadata.Workspace != "/w" || d.Metadata.Number != 1 || d.Metadata.Definition != "bb" {
		t.Errorf("got %+v with %+v", d, d.Metadata)
	}
	if foreign := domains["test"]; foreign.Name != "test" || foreign.Metadata != nil {
		t.Errorf("a domain of somebody else: got %+v", foreign)
	}
	if err := conn.Start("core01"); err != nil {
		t.Fatal(err)
	}
	if state, err := conn.State("core01"); err != nil || state != cluster.Running {
		t.Errorf("after start: %s, %v", state, err)
	}
	for range 2 { // the second finds nothing
		if err := conn.Remove("core01"); err != nil {
			t.Fatal(err)
		}
	}
	if domains, err = conn.Domains(); err != nil || domains["core01"].Name != "" {
		t.Errorf("after remove: %+v, %v", domains["core01"], err)
	}
}

func TestErrorsTellWhatToDo(t *testing.T) {
	conn := open(t)
	if _, err := Open("qemu+unix:///system?socket=/nowhere", func() string { return "this" }); err == nil || !strings.Contains(err.Error(), "no libvirt at uri=qemu+unix") || !strings.Contains(err.Error(), "\nhint: this") {
		t.Errorf("no daemon: %v", err)
	}
	if _, err := conn.Define("<domain/>"); err == nil || !strings.Contains(err.Error(), "hint: ") {
		t.Errorf("bad XML: %v", err)
	}
	if err := conn.Start("nobody"); err == nil {
		t.Errorf("no domain: %v", err)
	}
	if _, err := conn.Channel(context.Background(), "test", "x"); err == nil || !strings.Contains(err.Error(), "the channel x does not open") {
		t.Errorf("no channel: %v", err)
	}
}

func TestNetworkBridge(t *testing.T) {
	conn := open(t)
	if bridge, err := conn.NetworkBridge("default"); err != nil || bridge != "virbr0" {
		t.Errorf("got %q, %v", bridge, err)
	}
	if _, err := conn.NetworkBridge("none"); err == nil || !strings.Contains(err.Error(), "network=none: ") || !strings.Contains(err.Error(), "\nhint: libvirt has network=default") {
		t.Errorf("got %v", err)
	}
}

func TestStartErrorAdvice(t *testing.T) {
	for text, want := range map[string]string{
		"internal error: process exited while connecting to monitor: qemu-system-x86_64: error: failed to set MSR 0x345 to 0x2000": "accel=tcg",
		"Could not access KVM kernel module: No such file or directory":                                                            "accel=tcg",
		"Cannot access storage file '/root/x.qcow2': Permission denied":                                                            "QEMU's user must be able to read",
		"operation failed: Unable to find any firmware to satisfy 'efi'":                                                           "firmware=bios",
		"Cannot get interface MTU on 'br7': No such device":                                                                        "daemon's log",
	} {
		if got := startError(fmt.Errorf("%s", text)).Error(); !strings.Contains(got, "\nhint: ") || !strings.Contains(got, want) {
			t.Errorf("%s: got %s", text, got)
		}
	}
}
