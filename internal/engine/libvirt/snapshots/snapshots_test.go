//go:build cgo && libvirt_dlopen

package snapshots

import (
	"errors"
	"testing"

	"libvirt.org/go/libvirt"

	"coreos-libvirt/internal/engine"
)

// TestWhatCannotBeSavedWhileItRuns: the texts are of libvirt 9.0 and QEMU 7.2, for a guest with UEFI and for one with a device that
// cannot be migrated.
func TestWhatCannotBeSavedWhileItRuns(t *testing.T) {
	for text, want := range map[string]bool{
		"internal snapshots of a VM with pflash based firmware are not supported":                    true,
		"internal error: unable to execute QEMU command: State blocked by non-migratable device":     true,
		"operation failed: domain snapshot clean already exists":                                     false,
		"internal error: unable to execute QEMU command 'human-monitor-command': No space left here": false,
	} {
		err := snapshotError(libvirt.Error{Message: text})
		if errors.Is(err, engine.ErrNoMemorySnapshot) != want {
			t.Errorf("%q: got %v", text, err)
		}
	}
	if snapshotError(nil) != nil {
		t.Error("no error is one")
	}
}
