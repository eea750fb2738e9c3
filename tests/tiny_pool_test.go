//go:build lab

package tests

import (
	"strings"
	"testing"
)

// tinyPool has nodes' files in a storage pool, also of a libvirt on this host: a later run knows that by the cluster's marks.
func tinyPool(t *testing.T, c tiny) {
	onlyInFull(t)
	c.must(t, "up", "nodes=1", "pool=coreos-libvirt")
	const folder = "/var/lib/libvirt/images/coreos-libvirt-pool"
	if files := c.inLab(t, "ls", folder); !strings.Contains(files, "core01.") || !strings.Contains(files, ".ign\n") {
		t.Errorf("there are %s", files)
	}
	if out := c.must(t, "up", "nodes=1"); strings.Contains(out, "booting") {
		t.Errorf("without pool= it is another cluster:\n%s", out)
	}
	c.must(t, "up", "recreate=all")
	if out := c.must(t, "logs"); !strings.Contains(out, "tiny guest") {
		t.Errorf("logs:\n%s", out)
	}
	c.must(t, "down", "all=true", "yes=true")
	c.must(t, "prune", "pool=coreos-libvirt")
	if files := c.inLab(t, "ls", folder); files != "" {
		t.Errorf("left are %s", files)
	}
}
