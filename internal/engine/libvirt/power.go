//go:build cgo && libvirt_dlopen

package libvirt

import (
	"fmt"
	"strings"

	"coreos-libvirt/internal/engine/libvirt/refusal"

	"libvirt.org/go/libvirt"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt/state"
	"coreos-libvirt/internal/terminal/hint"
)

// Start boots the domain, or lets a paused one go on. What is left of one that crashed is ended first.
func (c *Conn) Start(name string) error {
	err := c.with(name, func(dom *libvirt.Domain) error {
		was, err := state.Of(dom)
		switch {
		case err != nil, was == engine.Running: // a daemon that was restarted had begun it
			return err
		case was == engine.Paused:
			return dom.Resume()
		case was == engine.Crashed:
			if err := unlessEnded(dom.Destroy()); err != nil {
				return err
			}
		}
		err = dom.Create()
		if !refusal.Is(err, libvirt.ERR_OPERATION_INVALID) {
			return err
		}
		if now, _ := state.Of(dom); now == engine.Running {
			return nil // the daemon was still at a start of a run that was killed
		}
		return err
	})
	if err != nil {
		return startError(refusal.Plain(err))
	}
	return nil
}

// startError puts advice under the failures of a start that people meet.
func startError(err error) error {
	text := err.Error()
	switch {
	case strings.Contains(text, "failed to set MSR"), strings.Contains(text, "KVM"), strings.Contains(text, "kvm"):
		return hint.Errorf("this host's KVM does not work: accel=tcg emulates, slowly but without it", "does not start: %w", err)
	case strings.Contains(text, "firmware"):
		return hint.Errorf("install UEFI for guests (Debian: ovmf, for aarch64 qemu-efi-aarch64; Fedora: edk2-ovmf), or firmware=bios where the image boots by it", "does not start: %w", err)
	case strings.Contains(text, "Permission denied"):
		return hint.Errorf("QEMU's user must be able to read vm/ and the store, every folder above them included", "does not start: %w", err)
	}
	return hint.Errorf("the libvirt daemon's log says more", "does not start: %w", err)
}

// Shutdown asks the guest to end, by ACPI.
func (c *Conn) Shutdown(name string) error {
	err := c.with(name, func(dom *libvirt.Domain) error { return unlessEnded(dom.Shutdown()) })
	if err != nil {
		return fmt.Errorf("does not take the request to shut down: %w", refusal.Plain(err))
	}
	return nil
}

// Destroy ends the guest as pulling the plug does. One that does not run is not an error.
func (c *Conn) Destroy(name string) error {
	err := c.with(name, func(dom *libvirt.Domain) error { return unlessEnded(dom.Destroy()) })
	if err != nil {
		return fmt.Errorf("does not end: %w", refusal.Plain(err))
	}
	return nil
}

// unlessEnded takes the error away that says that the domain does not run.
func unlessEnded(err error) error {
	if refusal.Is(err, libvirt.ERR_OPERATION_INVALID) {
		return nil
	}
	return err
}
