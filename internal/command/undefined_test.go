//go:build cgo && libvirt_dlopen

package command

import (
	"os"
	"strings"
	"testing"

	"libvirt.org/go/libvirt" //nolint:depguard // what somebody else does to a domain, within the test driver of this process

	"coreos-libvirt/internal/engine"
)

// TestANodeWithoutItsDiskIsNotStopped to be started again: what runs is all that there is of its data.
func TestANodeWithoutItsDiskIsNotStopped(t *testing.T) {
	inCloneOf(t)
	t.Setenv("COREOS_NODES", "1")
	mustUp(t)
	if err := os.Remove(overlayOf("core01")); err != nil {
		t.Fatal(err)
	}
	err := starts(t, restartNodes(t))
	if err == nil || theDomain(t, "core01").State != engine.Running {
		t.Fatalf("got %v, it is %s", err, theDomain(t, "core01").State)
	}
	contains(t, err.Error(), "core01: its disk vm/core01/core01.qcow2 is gone\nhint: put the file back, or `", "recreate=core01` recreates the node")
	stopAll(t)
	if err := starts(t, startNodes(t)); err == nil {
		t.Error("it was started")
	} else {
		contains(t, err.Error(), "core01: its disk vm/core01/core01.qcow2 is gone\nhint: ")
	}
}

// undefined takes the definition of a domain that runs away, as `virsh undefine` does.
func undefined(t *testing.T, name string) {
	t.Helper()
	conn, err := libvirt.NewConnect("test:///default")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = conn.Close() }()
	dom, err := conn.LookupDomainByName(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dom.Free() }()
	if err := dom.Undefine(); err != nil {
		t.Fatal(err)
	}
	if !theDomain(t, name).Transient {
		t.Fatal("it is still defined")
	}
}

// TestANodeThatWasUndefinedWhileItRuns is defined again, before it is stopped at the latest.
func TestANodeThatWasUndefinedWhileItRuns(t *testing.T) {
	inCloneOf(t)
	t.Setenv("COREOS_NODES", "1")
	mustUp(t)
	bootDomain(t, "core01")
	for what, try := range map[string]func() error{
		"up":      func() error { _, err := up(t); return err },
		"restart": func() error { return starts(t, restartNodes(t)) },
	} {
		undefined(t, "core01")
		plans(t, 2, "core01 redefine somebody has undefined it while it runs: it is defined again")
		if err := try(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if d := theDomain(t, "core01"); d.State != engine.Running || d.Transient {
			t.Errorf("%s: it is %q, transient %t", what, d.State, d.Transient)
		}
		plans(t, 0, "core01 unchanged defined, unchanged")
	}
	edit(t, "core01", "<on_crash>preserve<", "<on_crash>destroy<")
	if err := starts(t, restartNodes(t)); err != nil { // now the running one has it
		t.Error(err)
	}
	undefined(t, "core01")
	contains(t, mustUp(t), "changed by somebody else since")
	if d := theDomain(t, "core01"); d.Transient || !strings.Contains(d.XML, "<on_crash>destroy<") {
		t.Errorf("transient %t\n%s", d.Transient, d.XML)
	}
	undefined(t, "core01")
	stopAll(t)
	if d := theDomain(t, "core01"); d.State != engine.ShutOff {
		t.Errorf("it is %q", d.State)
	}
	mustUp(t)
	keepsData(t, "core01")
}
