package check

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fakeDaemon is a fake: a KVM that works on one machine does not fail on demand.
type fakeDaemon struct {
	Daemon
	offers bool
	fault  error
	tried  int
}

func (d *fakeDaemon) HasKVM(string) bool { return d.offers }

func (d *fakeDaemon) Probe(string, string, string) error {
	d.tried++
	return d.fault
}

// What was found is known until the host boots again; a fault no longer than an hour.
func TestKVMIsTriedOnce(t *testing.T) {
	k := KVM{Arch: "x86_64", Folder: t.TempDir(), File: filepath.Join(t.TempDir(), "kvm.json"), BootID: "one"}
	if fault, known := k.Known(); known || fault != nil {
		t.Errorf("before a try: got %v, %v", fault, known)
	}
	if err := k.Try(&fakeDaemon{}); err == nil || !strings.Contains(err.Error(), "libvirt offers no KVM for x86_64\nhint: ") {
		t.Errorf("no KVM: got %v", err)
	}
	if err := k.Try(&fakeDaemon{offers: true}); err != nil {
		t.Error(err)
	}
	if fault, known := k.Known(); !known || fault != nil {
		t.Errorf("it works: got %v, %v", fault, known)
	}
	if fault, known := (KVM{Arch: k.Arch, File: k.File, BootID: "two"}).Known(); known {
		t.Errorf("after another boot: got %v, %v", fault, known)
	}
	d := &fakeDaemon{offers: true, fault: errors.New("KVM runs no processor\nhint: accel=tcg")}
	if err := k.Try(d); !errors.Is(err, d.fault) || d.tried != 1 {
		t.Errorf("got %v, tried %d times", err, d.tried)
	}
	if fault, known := k.Known(); !known || fault == nil || fault.Error() != "KVM runs no processor" {
		t.Errorf("it fails: got %v, %v", fault, known)
	}
	long := strings.Replace(read(t, k.File), time.Now().Format("2006"), "2001", 1)
	if err := os.WriteFile(k.File, []byte(long), 0o644); err != nil {
		t.Fatal(err)
	}
	if fault, known := k.Known(); known {
		t.Errorf("a fault of long ago: got %v, %v", fault, known)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
