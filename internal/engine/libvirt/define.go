//go:build cgo && libvirt_dlopen

package libvirt

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"coreos-libvirt/internal/engine/libvirt/refusal"

	"libvirt.org/go/libvirt"

	"coreos-libvirt/internal/terminal/hint"
)

// first is held until a definition has been made: libxml2 makes its schema types ready at the first, and two at
// once make it fail (xmlRelaxNGInitTypes is not for threads).
var first struct {
	sync.Mutex
	made atomic.Bool
}

// alone waits while the first definition is made, and gives what ends one.
func alone() (end func()) {
	if first.made.Load() {
		return func() {}
	}
	first.Lock()
	return func() { first.made.Store(true); first.Unlock() }
}

// Define makes the domain that the XML describes, or changes the one of the same name and UUID. It gives
// the definition as libvirt has it then.
func (c *Conn) Define(xml string) (made string, err error) {
	defer alone()()
	err = c.use(func(conn *libvirt.Connect) error {
		dom, err := conn.DomainDefineXMLFlags(xml, libvirt.DOMAIN_DEFINE_VALIDATE)
		if err != nil {
			return err
		}
		defer func() { _ = dom.Free() }()
		made, err = dom.GetXMLDesc(libvirt.DOMAIN_XML_INACTIVE | libvirt.DOMAIN_XML_SECURE)
		return err
	})
	if err != nil {
		err = hint.Errorf("compare templates/domain.xml.tmpl with https://libvirt.org/formatdomain.html", "libvirt refuses the definition: %w", refusal.Plain(err))
	}
	return made, err
}

// Remove ends the domain of that UUID, if it runs, and deletes its definition with all that libvirt keeps for it.
// Only one whose metadata name one of the owners goes, whatever has its name by now. One that is gone already is not ant an
// error.
func (c *Conn) Remove(uuid string, owners ...string) error {
	err := c.use(func(conn *libvirt.Connect) error {
		dom, err := conn.LookupDomainByUUIDString(uuid)
		if err != nil {
			return err
		}
		defer func() { _ = dom.Free() }()
		d, err := c.describe(dom)
		if err != nil {
			return err
		}
		if !d.Metadata.BelongsTo(owners...) {
			return errNotOurs
		}
		if err := unlessEnded(dom.Destroy()); err != nil {
			return err
		}
		return undefine(dom)
	})
	if err != nil && !refusal.Is(err, libvirt.ERR_NO_DOMAIN) {
		return fmt.Errorf("libvirt does not remove it: %w", refusal.Plain(err))
	}
	return nil
}

var errNotOurs = hint.Add(errors.New("the domain does not carry this workspace's metadata; it is left alone"),
	"choose another prefix=, or remove it yourself with virsh undefine")

func undefine(dom *libvirt.Domain) error {
	flags := libvirt.DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.DOMAIN_UNDEFINE_SNAPSHOTS_METADATA | libvirt.DOMAIN_UNDEFINE_NVRAM | libvirt.DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
	err := dom.UndefineFlags(flags)
	if refusal.Is(err, libvirt.ERR_INVALID_ARG) || refusal.Is(err, libvirt.ERR_NO_SUPPORT) { // drivers that know fewer flags
		err = dom.UndefineFlags(libvirt.DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.DOMAIN_UNDEFINE_SNAPSHOTS_METADATA)
	}
	return err
}
