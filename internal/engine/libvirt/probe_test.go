//go:build cgo && libvirt_dlopen

package libvirt

import (
	"strings"
	"testing"

	"libvirt.org/go/libvirt"
)

// libvirt's in-process driver has no KVM to probe.
func TestProbeWithoutKVM(t *testing.T) {
	if err := open(t).Probe("kvm", "x86_64", t.TempDir()); err == nil || !strings.Contains(err.Error(), "does not start: ") || !strings.Contains(err.Error(), "\nhint: ") {
		t.Errorf("got %v", err)
	}
}

// The states of a domain whose processor KVM could not run, as QEMU leaves it: stopped, or gone.
func TestHalted(t *testing.T) {
	for state, fault := range map[libvirt.DomainState]bool{
		libvirt.DOMAIN_RUNNING: false, libvirt.DOMAIN_BLOCKED: false, libvirt.DOMAIN_PAUSED: true, libvirt.DOMAIN_CRASHED: true, libvirt.DOMAIN_SHUTOFF: true,
	} {
		if err := halted(state, 0); (err != nil) != fault || fault && !strings.Contains(err.Error(), "accel=tcg") {
			t.Errorf("%d: got %v", state, err)
		}
	}
}
