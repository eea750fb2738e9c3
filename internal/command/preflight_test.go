//go:build cgo && libvirt_dlopen

package command

import (
	"strings"
	"testing"

	"coreos-libvirt/internal/host"
)

// TestLittleMemoryIsWarnedOf where a CoreOS is to live with it; the lab's images and others do.
func TestLittleMemoryIsWarnedOf(t *testing.T) {
	for words, warned := range map[string]bool{
		"image=fcos-stable ram=1023":                     true,
		"image=flatcar-beta@4230.1.0 ram=512":            true,
		"image=/srv/fedora-coreos-43-qemu.qcow2 ram=512": true,
		"image=fcos-stable ram=1024":                     false,
		"image=fcos-stable":                              false,
		"image=lab ram=512":                              false,
		"image=lab-flatcar ram=512":                      false,
		"image=/srv/my.qcow2 ram=256":                    false,
	} {
		_, err := run(t, strings.Fields(words)...).preflightRAM()
		if (err != nil) != warned || err != nil && (!host.IsWarning(err) || !strings.Contains(err.Error(), "hint: ram=1024 or more")) {
			t.Errorf("%s: got %v", words, err)
		}
	}
	found := false
	for _, check := range run(t, "image=fcos-stable").preflightChecks(1) {
		found = found || check.Name == "ram="
	}
	if !found {
		t.Error("up does not look")
	}
}
