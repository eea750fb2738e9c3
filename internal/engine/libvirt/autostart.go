//go:build cgo && libvirt_dlopen

package libvirt

import (
	"fmt"

	"libvirt.org/go/libvirt"
)

// Autostart tells whether libvirt starts the domain when its host boots. Libvirt keeps that beside the definition
// (virDomainGetAutostart), and forgets it with that. A driver that starts none says no.
func (c changer) Autostart(name string) (on bool, err error) {
	err = c.with(name, func(dom *libvirt.Domain) error {
		on, err = dom.GetAutostart()
		return err
	})
	if is(err, libvirt.ERR_NO_SUPPORT) {
		return false, nil
	}
	if err != nil {
		err = fmt.Errorf("libvirt does not say whether it starts the domain with the host: %w", plain(err))
	}
	return on, err
}

// SetAutostart has libvirt start the domain when its host boots.
func (c changer) SetAutostart(name string) error {
	err := c.with(name, func(dom *libvirt.Domain) error { return dom.SetAutostart(true) })
	if err != nil {
		err = fmt.Errorf("libvirt does not start the domain with the host again (virsh autostart %s): %w", name, plain(err))
	}
	return err
}
