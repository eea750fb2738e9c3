//go:build lab

package tests

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/testkit/pace"
)

// size is what the node's guest has: processors, and KiB of memory.
func (c clone) size(t *testing.T, node string) (cpus, memory int) {
	t.Helper()
	out := c.mage(t, "lab", "ssh", "node="+node, "cmd=nproc; grep -o 'MemTotal: *[0-9]*' /proc/meminfo")
	if _, err := fmt.Sscanf(out, "%d\nMemTotal: %d", &cpus, &memory); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	return cpus, memory
}

// becomes waits until the guest has brought online what it was plugged.
func (c clone) becomes(t *testing.T, node string, wantCPUs, wantMemory int) {
	t.Helper()
	const about = 32 << 10
	for deadline := time.Now().Add(pace.Limit(30)); ; time.Sleep(time.Second) {
		cpus, memory := c.size(t, node)
		if cpus == wantCPUs && wantMemory-about < memory && memory < wantMemory+about {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s has %d processors and %d KiB of memory, want %d and %d", node, cpus, memory, wantCPUs, wantMemory)
		}
	}
}

// grown plugs processors and, twice, memory into a running node, which may be there. Then it is started again.
func grown(t *testing.T, c clone) {
	boot := func() string {
		return c.mage(t, "lab", "ssh", "node=core01", "cmd=cat /proc/sys/kernel/random/boot_id")
	}
	c.mage(t, "lab", "up", "nodes=1")
	before := boot()
	_, memory := c.size(t, "core01")
	for i, words := range [][]string{{"vcpu=2", "ram=1152"}, {"vcpu=3", "ram=1280"}} {
		out := c.mage(t, append([]string{"lab", "up", "nodes=1"}, words...)...)
		if !strings.Contains(out, "core01: the running node has taken it") || strings.Contains(out, "booting") {
			t.Errorf("%q: got\n%s", words, out)
		}
		c.becomes(t, "core01", i+2, memory+(i+1)*128<<10)
	}
	if out := c.mage(t, "lab", "up", "nodes=1", "vcpu=3", "ram=1280"); !strings.Contains(out, "core01: defined, unchanged\n") || strings.Contains(out, "booting") {
		t.Errorf("again: got\n%s", out)
	}
	if out, _ := c.try("lab", "plan", "nodes=1", "vcpu=1", "ram=1024"); !strings.Contains(out, "definition changed: ram 1280 → 1024 MiB, vcpu 3 → 1; it takes effect with `") {
		t.Errorf("less of both: got\n%s", out)
	}
	if boot() != before {
		t.Error("the guest was booted anew")
	}
	c.mage(t, "lab", "restart", "node=core01")
	c.becomes(t, "core01", 3, memory+256<<10)
	if out := c.mage(t, "lab", "plan", "nodes=1", "vcpu=3", "ram=1280"); !strings.Contains(out, "defined, unchanged\n") {
		t.Errorf("after the restart: got\n%s", out)
	}
	c.mage(t, "lab", "down", "all=true", "yes=true")
}
