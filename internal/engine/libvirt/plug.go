//go:build cgo && libvirt_dlopen

package libvirt

import (
	"libvirt.org/go/libvirt"

	"coreos-libvirt/internal/engine/libvirt/refusal"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt/domainxml"
)

// changer changes running domains.
type changer struct{ *connection }

// Update changes a device of the running domain to what the XML says.
func (c changer) Update(name, device string) error {
	return refusal.Plain(c.with(name, func(dom *libvirt.Domain) error {
		return dom.UpdateDeviceFlags(device, libvirt.DOMAIN_DEVICE_MODIFY_LIVE)
	}))
}

// Attach plugs the disk of the XML into the running domain, unless it has it: a call whose answer was lost has done that.
func (c changer) Attach(name, disk string) error {
	return refusal.Plain(c.with(name, func(dom *libvirt.Domain) error {
		if text, err := dom.GetXMLDesc(0); err != nil || domainxml.HasDisk(text, disk) {
			return err
		}
		return dom.AttachDeviceFlags(disk, libvirt.DOMAIN_DEVICE_MODIFY_LIVE)
	}))
}

// Resize gives the running domain's disk another size.
func (c changer) Resize(name, file string, gib int) error {
	return refusal.Plain(c.with(name, func(dom *libvirt.Domain) error {
		return dom.BlockResize(file, uint64(gib)<<30, libvirt.DOMAIN_BLOCK_RESIZE_BYTES) //nolint:gosec // no size is below 0
	}))
}

// SetVCPUs gives the running domain that many processors.
func (c changer) SetVCPUs(name string, count int) error {
	return refusal.Plain(c.with(name, func(dom *libvirt.Domain) error {
		return dom.SetVcpusFlags(uint(count), libvirt.DOMAIN_VCPU_LIVE)
	}))
}

// SetMemory plugs a DIMM of as much as the running domain has less than that many MiB.
func (c changer) SetMemory(name string, mib int) error {
	return refusal.Plain(c.with(name, func(dom *libvirt.Domain) error {
		info, err := dom.GetInfo()
		if err != nil {
			return err
		}
		lacks := mib - int(info.MaxMem>>10) // of KiB
		if lacks <= 0 {
			return nil // a call whose answer was lost has plugged it
		}
		return dom.AttachDeviceFlags(domainxml.DIMM(lacks), libvirt.DOMAIN_DEVICE_MODIFY_LIVE)
	}))
}

// Mark notes the mark in the domain's definition for the next start. It gives that as libvirt has it then.
func (c changer) Mark(name string, mark engine.Metadata) (made string, err error) {
	text, err := domainxml.Element(mark)
	if err != nil {
		return "", err
	}
	err = c.with(name, func(dom *libvirt.Domain) error {
		c.calls.Add(1)
		if err := dom.SetMetadata(libvirt.DOMAIN_METADATA_ELEMENT, text, "coreos", domainxml.MetadataURI, libvirt.DOMAIN_AFFECT_CONFIG); err != nil {
			return err
		}
		made, err = dom.GetXMLDesc(libvirt.DOMAIN_XML_INACTIVE | libvirt.DOMAIN_XML_SECURE)
		return err
	})
	return made, refusal.Plain(err)
}

// Took notes in the running domain's metadata what it is by now.
func (c changer) Took(name string, mark engine.Metadata) error {
	text, err := domainxml.Element(mark)
	if err != nil {
		return err
	}
	return refusal.Plain(c.with(name, func(dom *libvirt.Domain) error {
		return dom.SetMetadata(libvirt.DOMAIN_METADATA_ELEMENT, text, "coreos", domainxml.MetadataURI, libvirt.DOMAIN_AFFECT_LIVE)
	}))
}

// Autostart reports whether libvirt starts the domain with its host (virDomainGetAutostart). It forgets that with the definition.
func (c changer) Autostart(name string) (on bool, err error) {
	err = c.with(name, func(dom *libvirt.Domain) error { on, err = dom.GetAutostart(); return err })
	return on, refusal.Plain(err)
}

// SetAutostart has libvirt start the domain with its host.
func (c changer) SetAutostart(name string) error {
	return refusal.Plain(c.with(name, func(dom *libvirt.Domain) error { return dom.SetAutostart(true) }))
}
