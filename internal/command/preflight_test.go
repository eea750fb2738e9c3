//go:build cgo && libvirt_dlopen

package command

import (
	"strings"
	"testing"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/host/check"
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
		r := run(t, strings.Fields(words)...)
		_, err := check.RAM(r.RAM, isCoreOS(r.Image))
		if (err != nil) != warned || err != nil && (!host.IsWarning(err) || !strings.Contains(err.Error(), "hint: ram=1024 or more")) {
			t.Errorf("%s: got %v", words, err)
		}
	}
	found := false
	for _, check := range toBeRun(run(t, "image=fcos-stable"), 1).Preflight() {
		found = found || check.Name == "ram="
	}
	if !found {
		t.Error("up does not look")
	}
}
