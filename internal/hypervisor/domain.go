//go:build cgo && libvirt_dlopen

package hypervisor

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"libvirt.org/go/libvirt"

	"coreos-libvirt/internal/cluster"
	"coreos-libvirt/internal/hint"
)

var states = map[libvirt.DomainState]cluster.State{
	libvirt.DOMAIN_RUNNING:  cluster.Running,
	libvirt.DOMAIN_BLOCKED:  cluster.Running,
	libvirt.DOMAIN_PAUSED:   cluster.Paused,
	libvirt.DOMAIN_SHUTOFF:  cluster.ShutOff,
	libvirt.DOMAIN_SHUTDOWN: cluster.Other,
	libvirt.DOMAIN_CRASHED:  cluster.Crashed,
}

// Domains are all domains of the host, by name.
func (c *Conn) Domains() (domains map[string]cluster.Domain, err error) {
	err = c.use(func(conn *libvirt.Connect) error {
		all, err := conn.ListAllDomains(0)
		if err != nil {
			return err
		}
		domains, err = c.describeAll(all)
		return err
	})
	if err != nil {
		err = fmt.Errorf("libvirt does not list its domains: %w", plain(err))
	}
	return domains, err
}

// Running are the names of the domains that run, by one call of libvirt's.
func (c *Conn) Running() (names map[string]bool, err error) {
	err = c.use(func(conn *libvirt.Connect) error {
		active, err := conn.ListAllDomains(libvirt.CONNECT_LIST_DOMAINS_ACTIVE)
		if err != nil {
			return err
		}
		names = map[string]bool{}
		for i := range active {
			name, failed := active[i].GetName()
			_ = active[i].Free()
			err = errors.Join(err, failed)
			names[name] = true
		}
		return err
	})
	if err != nil {
		err = fmt.Errorf("libvirt does not list its domains: %w", plain(err))
	}
	return names, err
}

func (c *Conn) describeAll(all []libvirt.Domain) (map[string]cluster.Domain, error) {
	domains := map[string]cluster.Domain{}
	for i := range all {
		d, err := c.describe(&all[i])
		_ = all[i].Free()
		if is(err, libvirt.ERR_NO_DOMAIN) {
			continue // gone since the list was made
		}
		if err != nil {
			return nil, err
		}
		domains[d.Name] = d
	}
	return domains, nil
}

func (c *Conn) describe(dom *libvirt.Domain) (cluster.Domain, error) {
	c.calls.Add(2)
	text, err := dom.GetXMLDesc(libvirt.DOMAIN_XML_INACTIVE | libvirt.DOMAIN_XML_SECURE)
	if err != nil {
		return cluster.Domain{}, err
	}
	d, err := cluster.ParseDomain(text)
	if err != nil {
		return d, err
	}
	if d.State, err = stateOf(dom); err == nil && d.InUse() && d.Metadata != nil {
		err = c.running(dom, &d)
	}
	return d, err
}

// running completes what is known of a domain by its definition as it was started, which libvirt keeps until it ends.
// One that has ended meanwhile has none.
func (c *Conn) running(dom *libvirt.Domain, d *cluster.Domain) error {
	c.calls.Add(1)
	text, err := dom.GetXMLDesc(0)
	if err != nil {
		return err
	}
	live, err := cluster.ParseDomain(text)
	if err == nil && live.Metadata != nil {
		d.Started = live.Metadata.Definition
	}
	d.Backing = live.Backing
	return err
}

func stateOf(dom *libvirt.Domain) (cluster.State, error) {
	state, reason, err := dom.GetState()
	if state == libvirt.DOMAIN_PAUSED && reason == int(libvirt.DOMAIN_PAUSED_STARTING_UP) {
		state = libvirt.DOMAIN_RUNNING // in a moment: somebody's start is at it
	}
	if known, ok := states[state]; ok && err == nil {
		return known, nil
	}
	return cluster.Other, err
}

// State is the state of the domain name right now.
func (c *Conn) State(name string) (cluster.State, error) {
	state := cluster.Other
	err := c.with(name, func(dom *libvirt.Domain) (err error) {
		state, err = stateOf(dom)
		return err
	})
	return state, plain(err)
}

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
		err = hint.Errorf("compare templates/domain.xml.tmpl with https://libvirt.org/formatdomain.html", "libvirt refuses the definition: %w", plain(err))
	}
	return made, err
}

// Update changes a device of the running domain to what the XML says.
func (c *Conn) Update(name, device string) error {
	return plain(c.with(name, func(dom *libvirt.Domain) error {
		return dom.UpdateDeviceFlags(device, libvirt.DOMAIN_DEVICE_MODIFY_LIVE)
	}))
}

// Took tells libvirt that the running domain is by now what the metadata say: all that its definition changed in
// has been changed in it, too.
func (c *Conn) Took(name, metadata string) error {
	return plain(c.with(name, func(dom *libvirt.Domain) error {
		return dom.SetMetadata(libvirt.DOMAIN_METADATA_ELEMENT, metadata, "coreos", cluster.MetadataURI, libvirt.DOMAIN_AFFECT_LIVE)
	}))
}

// Start boots the domain, or lets a paused one go on. What is left of one that crashed is ended first.
func (c *Conn) Start(name string) error {
	err := c.with(name, func(dom *libvirt.Domain) error {
		state, err := stateOf(dom)
		switch {
		case err != nil, state == cluster.Running: // a daemon that was restarted had begun it
			return err
		case state == cluster.Paused:
			return dom.Resume()
		case state == cluster.Crashed:
			if err := unlessEnded(dom.Destroy()); err != nil {
				return err
			}
		}
		err = dom.Create()
		if !is(err, libvirt.ERR_OPERATION_INVALID) {
			return err
		}
		if now, _ := stateOf(dom); now == cluster.Running {
			return nil // the daemon was still at a start of a run that was killed
		}
		return err
	})
	if err != nil {
		return startError(plain(err))
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
	return hint.Errorf("the libvirt daemon's log tells more", "does not start: %w", err)
}

// Shutdown asks the guest to end, by ACPI.
func (c *Conn) Shutdown(name string) error {
	err := c.with(name, func(dom *libvirt.Domain) error { return unlessEnded(dom.Shutdown()) })
	if err != nil {
		return fmt.Errorf("does not take the request to shut down: %w", plain(err))
	}
	return nil
}

// Destroy ends the guest as pulling the plug does. One that does not run is no error.
func (c *Conn) Destroy(name string) error {
	err := c.with(name, func(dom *libvirt.Domain) error { return unlessEnded(dom.Destroy()) })
	if err != nil {
		return fmt.Errorf("does not end: %w", plain(err))
	}
	return nil
}

// unlessEnded takes the error away that says that the domain does not run.
func unlessEnded(err error) error {
	if is(err, libvirt.ERR_OPERATION_INVALID) {
		return nil
	}
	return err
}

// Remove ends the domain of that UUID, if it runs, and deletes its definition with all that libvirt keeps for it.
// Only one that carries the workspace's metadata goes, whatever has its name by now. One that is gone already is no
// error.
func (c *Conn) Remove(uuid, workspace string) error {
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
		if d.Metadata == nil || d.Metadata.Workspace != workspace {
			return errNotOurs
		}
		if err := unlessEnded(dom.Destroy()); err != nil {
			return err
		}
		return undefine(dom)
	})
	if err != nil && !is(err, libvirt.ERR_NO_DOMAIN) {
		return fmt.Errorf("libvirt does not remove it: %w", plain(err))
	}
	return nil
}

var errNotOurs = hint.Add(errors.New("the domain does not carry this workspace's metadata; it is left alone"),
	"choose another prefix=, or remove it yourself with virsh undefine")

func undefine(dom *libvirt.Domain) error {
	flags := libvirt.DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
		libvirt.DOMAIN_UNDEFINE_NVRAM | libvirt.DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
	err := dom.UndefineFlags(flags)
	if is(err, libvirt.ERR_INVALID_ARG) || is(err, libvirt.ERR_NO_SUPPORT) { // drivers that know fewer flags
		err = dom.UndefineFlags(libvirt.DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.DOMAIN_UNDEFINE_SNAPSHOTS_METADATA)
	}
	return err
}

// with looks the domain up for the time of one call. Its errors do not name the domain: callers do.
func (c *Conn) with(name string, do func(*libvirt.Domain) error) error {
	return c.use(func(conn *libvirt.Connect) error {
		c.calls.Add(1)
		dom, err := conn.LookupDomainByName(name)
		if err != nil {
			return err
		}
		defer func() { _ = dom.Free() }()
		return do(dom)
	})
}
