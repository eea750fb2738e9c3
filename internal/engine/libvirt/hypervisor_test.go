//go:build cgo && libvirt_dlopen

package libvirt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/engine"
)

// open connects to libvirt's in-process driver, which comes with one foreign domain called test.
func open(t *testing.T) *Conn {
	t.Helper()
	conn, err := Open("test:///default", func(error) string { return "" })
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
	if d.State != engine.ShutOff || d.Metadata == nil || d.Metadata.Workspace != "/w" || d.Metadata.Number != 1 || d.Metadata.Definition != "bb" {
		t.Errorf("got %+v with %+v", d, d.Metadata)
	}
	if foreign := domains["test"]; foreign.Name != "test" || foreign.Metadata != nil {
		t.Errorf("a domain of somebody else: got %+v", foreign)
	}
	if err := conn.Start("core01"); err != nil {
		t.Fatal(err)
	}
	if state, err := conn.State("core01"); err != nil || state != engine.Running {
		t.Errorf("after start: %s, %v", state, err)
	}
	for range 2 { // the second finds nothing
		if err := conn.Remove(d.UUID, "/w"); err != nil {
			t.Fatal(err)
		}
	}
	if domains, err = conn.Domains(); err != nil || domains["core01"].Name != "" {
		t.Errorf("after remove: %+v, %v", domains["core01"], err)
	}
}

// TestRemoveOnlyWhatIsOurs: by its UUID and metadata, not by its name.
func TestRemoveOnlyWhatIsOurs(t *testing.T) {
	conn := open(t)
	domains, err := conn.Domains()
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Remove(domains["test"].UUID, "/w"); err == nil || !strings.Contains(err.Error(), "left alone\nhint: ") {
		t.Errorf("a domain without metadata: got %v", err)
	}
	if _, err := conn.Define(definition("core09", ours)); err != nil {
		t.Fatal(err)
	}
	domains, _ = conn.Domains()
	uuid := domains["core09"].UUID
	if err := conn.Remove(uuid, "/else"); err == nil || !strings.Contains(err.Error(), "left alone") {
		t.Errorf("another workspace's: got %v", err)
	}
	if err := conn.Remove("1c0b0ed3-8e5e-5b4e-9c0c-00000000000f", "/w"); err != nil {
		t.Errorf("one that is not there: %v", err)
	}
	if domains, err = conn.Domains(); err != nil || domains["core09"].Name == "" || domains["test"].State != engine.Running {
		t.Errorf("left are %+v, %v", domains, err)
	}
	if err := conn.Remove(uuid, "/w"); err != nil {
		t.Error(err)
	}
}

// TestARedefinedDomainRunsOnAsItWasStarted until it has taken the change, or is started again.
func TestARedefinedDomainRunsOnAsItWasStarted(t *testing.T) {
	conn := open(t)
	if _, err := conn.Define(definition("core08", ours)); err != nil {
		t.Fatal(err)
	}
	if err := conn.Start("core08"); err != nil {
		t.Fatal(err)
	}
	domains, _ := conn.Domains()
	d := domains["core08"]
	t.Cleanup(func() { _ = conn.Remove(d.UUID, "/w") })
	changed := strings.Replace(ours, `definition="bb"`, `definition="cc"`, 1)
	if _, err := conn.Define(strings.Replace(definition("core08", changed), "<metadata>", "<uuid>"+d.UUID+"</uuid><metadata>", 1)); err != nil {
		t.Fatal(err)
	}
	started := func() (string, string) {
		t.Helper()
		domains, err := conn.Domains()
		if err != nil {
			t.Fatal(err)
		}
		return domains["core08"].Started, domains["core08"].Metadata.Definition
	}
	if was, is := started(); was != "bb" || is != "cc" {
		t.Errorf("got %s, %s", was, is)
	}
	if err := conn.Took("core08", engine.Metadata{Workspace: "/w", Definition: "cc"}); err != nil {
		t.Fatal(err)
	}
	if was, is := started(); was != "cc" || is != "cc" {
		t.Errorf("after it took the change: got %s, %s", was, is)
	}
}

// TestARunningDomainIsPlugged: a second call finds that nothing lacks.
func TestARunningDomainIsPlugged(t *testing.T) {
	conn := open(t)
	text := strings.Replace(definition("core07", ours), "<memory ", "<vcpu current='2'>4</vcpu><memory ", 1)
	if _, err := conn.Define(text); err != nil {
		t.Fatal(err)
	}
	if err := conn.Start("core07"); err != nil {
		t.Fatal(err)
	}
	domains, _ := conn.Domains()
	d := domains["core07"]
	t.Cleanup(func() { _ = conn.Remove(d.UUID, "/w") })
	for range 2 {
		if err := errors.Join(conn.SetVCPUs("core07", 3), conn.SetMemory("core07", d.Runs.Memory)); err != nil {
			t.Error(err)
		}
	}
	domains, _ = conn.Domains()
	if now := domains["core07"]; d.Runs.VCPUs != 2 || now.Runs.VCPUs != 3 || now.Machine.VCPUs != 2 || now.Runs.Memory == 0 {
		t.Errorf("got %+v, then %+v", d.Runs, now)
	}
	if conn.SetVCPUs("core07", 5) == nil || conn.SetMemory("core07", d.Runs.Memory+128) == nil {
		t.Error("more than there is room for, and what the driver does not know")
	}
}

// TestStartOfWhatStandsStill: a paused guest goes on, what is left of a crashed one is ended first.
func TestStartOfWhatStandsStill(t *testing.T) {
	host := filepath.Join(t.TempDir(), "host.xml")
	const domain = `<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'><name>%s</name><memory unit='MiB'>64</memory>
		<os><type>hvm</type></os><metadata>` + ours + `</metadata><test:runstate>%d</test:runstate></domain>`
	text := "<node>" + fmt.Sprintf(domain, "paused", 3) + fmt.Sprintf(domain, "crashed", 6) + "</node>"
	if err := os.WriteFile(host, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	conn, err := Open("test://"+host, func(error) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	domains, err := conn.Domains()
	if err != nil || domains["paused"].State != engine.Paused || domains["crashed"].State != engine.Crashed {
		t.Fatalf("got %+v, %v", domains, err)
	}
	for name, d := range domains {
		if !d.InUse() {
			t.Errorf("%s: QEMU has its disk open", name)
		}
		if err := conn.Start(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if state, err := conn.State(name); err != nil || state != engine.Running {
			t.Errorf("%s: %s, %v", name, state, err)
		}
	}
}

func TestErrorsTellWhatToDo(t *testing.T) {
	conn := open(t)
	if _, err := Open("qemu+unix:///system?socket=/nowhere", func(error) string { return "this" }); err == nil || !strings.Contains(err.Error(), "no libvirt at uri=qemu+unix") || !strings.Contains(err.Error(), "\nhint: this") {
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

func TestReservedByANetwork(t *testing.T) {
	conn := open(t)
	if got := conn.Reserved("default", "52:54:00:00:00:01"); got.IsValid() {
		t.Errorf("the network keeps none: got %s", got)
	}
	if got := conn.Reserved("none", "52:54:00:00:00:01"); got.IsValid() {
		t.Errorf("no network: got %s", got)
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

// TestOneRebootIsOne: three resets come of it. A guest that resets for ever is counted on.
func TestOneRebootIsOne(t *testing.T) {
	begin := time.Now()
	for _, c := range []struct {
		resets []time.Duration // since the begin
		want   int
	}{
		{nil, 0},
		{[]time.Duration{0, 309 * time.Millisecond, 310 * time.Millisecond}, 1},
		{[]time.Duration{0, 309 * time.Millisecond, 5 * time.Second, 5309 * time.Millisecond}, 2},
		{[]time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second}, 3},
	} {
		r := reboots{}
		for _, after := range c.resets {
			r = r.reset(begin.Add(after))
		}
		if r.count != c.want {
			t.Errorf("%v: want %d, got %d", c.resets, c.want, r.count)
		}
	}
}
