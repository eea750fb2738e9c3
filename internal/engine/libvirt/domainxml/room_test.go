package domainxml

import (
	"testing"

	"coreos-libvirt/internal/engine"
)

func TestRoom(t *testing.T) {
	for _, c := range []struct {
		arch                       string
		vcpu, ram, maxVCPU, maxRAM int
	}{
		{"x86_64", 1, 1024, 16, 16 << 10},
		{"x86_64", 16, 16<<10 - 1, 16, 16 << 10},
		{"x86_64", 17, 16 << 10, 32, 32 << 10},
		{"x86_64", 200, 16 << 20, 255, 32 << 20},
		{"x86_64", 2, 1023, 16, 0},
		{"aarch64", 2, 2048, 2, 0},
	} {
		got := withRoom(engine.Hardware{Arch: c.arch, VCPU: c.vcpu, RAM: c.ram})
		if got.MaxVCPU != c.maxVCPU || got.LastVCPU != c.maxVCPU-1 || got.MaxRAM != c.maxRAM {
			t.Errorf("%+v: got %d, %d", c, got.MaxVCPU, got.MaxRAM)
		}
	}
}
