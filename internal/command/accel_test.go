package command

import (
	"errors"
	"path/filepath"
	"testing"

	"coreos-libvirt/internal/host/check"
)

// brokenKVM is a fake: a KVM that starts and runs no kernel is not there on demand.
type brokenKVM struct {
	check.Daemon
	tried int
}

func (*brokenKVM) HasKVM(string) bool { return true }

func (b *brokenKVM) Probe(string, string, string) error {
	b.tried++
	return errors.New("KVM starts, and runs no 64-bit code")
}

// A run that only looks tries nothing. What another has found is known to both, and not tried again.
func TestKVMIsTriedByRunsThatMake(t *testing.T) {
	kvm := check.KVM{Arch: "x86_64", Folder: t.TempDir(), File: filepath.Join(t.TempDir(), "kvm.json"), BootID: "one"}
	daemon := &brokenKVM{}
	if err := faultOfKVM(kvm, daemon, true); err != nil || daemon.tried != 0 {
		t.Errorf("a run that looks: got %v, tried %d times", err, daemon.tried)
	}
	for range 2 {
		for _, looks := range []bool{false, true} {
			if err := faultOfKVM(kvm, daemon, looks); err == nil || daemon.tried != 1 {
				t.Errorf("looks %t: got %v, tried %d times", looks, err, daemon.tried)
			}
		}
	}
}
