//go:build cgo && libvirt_dlopen

package libvirt

import (
	"errors"
	"fmt"

	"coreos-libvirt/internal/engine/libvirt/refusal"

	"libvirt.org/go/libvirt"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt/domainxml"
	"coreos-libvirt/internal/engine/libvirt/state"
)

// inventory looks at domains.
type inventory struct{ *connection }

// Domains are all domains of the host, by name.
func (i inventory) Domains() (domains map[string]engine.Domain, err error) {
	return i.list(i.describe)
}

// Defined are all domains of the host as their definitions say, by name.
func (i inventory) Defined() (domains map[string]engine.Domain, err error) {
	return i.list(i.definition)
}

// list describes all domains.
func (i inventory) list(describe func(*libvirt.Domain) (engine.Domain, error)) (domains map[string]engine.Domain, err error) {
	err = i.use(func(conn *libvirt.Connect) error {
		all, err := conn.ListAllDomains(0)
		if err != nil {
			return err
		}
		domains, err = describeAll(all, describe)
		return err
	})
	if err != nil {
		err = fmt.Errorf("libvirt does not list its domains: %w", refusal.Plain(err))
	}
	return domains, err
}

// Running are the names of the domains that run, by one call of libvirt's.
func (i inventory) Running() (names map[string]bool, err error) {
	err = i.use(func(conn *libvirt.Connect) error {
		active, err := conn.ListAllDomains(libvirt.CONNECT_LIST_DOMAINS_ACTIVE)
		if err != nil {
			return err
		}
		names = map[string]bool{}
		for n := range active {
			name, failed := active[n].GetName()
			_ = active[n].Free()
			err = errors.Join(err, failed)
			names[name] = true
		}
		return err
	})
	if err != nil {
		err = fmt.Errorf("libvirt does not list its domains: %w", refusal.Plain(err))
	}
	return names, err
}

func describeAll(all []libvirt.Domain, describe func(*libvirt.Domain) (engine.Domain, error)) (map[string]engine.Domain, error) {
	domains := map[string]engine.Domain{}
	for n := range all {
		d, err := describe(&all[n])
		_ = all[n].Free()
		if refusal.Is(err, libvirt.ERR_NO_DOMAIN) {
			continue // gone since the list was made
		}
		if err != nil {
			return nil, err
		}
		domains[d.Name] = d
	}
	return domains, nil
}

// definition is the domain as its definition says.
func (i inventory) definition(dom *libvirt.Domain) (engine.Domain, error) {
	i.calls.Add(1)
	text, err := dom.GetXMLDesc(libvirt.DOMAIN_XML_INACTIVE | libvirt.DOMAIN_XML_SECURE)
	if err != nil {
		return engine.Domain{}, err
	}
	return domainxml.Parse(text)
}

func (i inventory) describe(dom *libvirt.Domain) (engine.Domain, error) {
	d, err := i.definition(dom)
	if err != nil {
		return d, err
	}
	i.calls.Add(1)
	if d.State, d.Reason, err = state.WithReason(dom); err == nil && d.InUse() && d.Metadata != nil {
		err = i.running(dom, &d)
	}
	return d, err
}

// running completes what is known of a domain by its definition as it was started, which libvirt keeps until it ends.
// One that has ended meanwhile has none.
func (i inventory) running(dom *libvirt.Domain, d *engine.Domain) error {
	i.calls.Add(2)
	persistent, err := dom.IsPersistent()
	if err != nil {
		return err
	}
	d.Transient = !persistent
	text, err := dom.GetXMLDesc(0)
	if err != nil {
		return err
	}
	live, err := domainxml.Parse(text)
	if err == nil && live.Metadata != nil {
		d.Started = live.Metadata.Definition
	}
	d.Backing, d.Runs = live.Backing, live.Machine
	return err
}

// State is the state of the domain name right now.
func (i inventory) State(name string) (engine.State, error) {
	now := engine.Other
	err := i.with(name, func(dom *libvirt.Domain) (err error) {
		now, err = state.Of(dom)
		return err
	})
	return now, refusal.Plain(err)
}

// Reason is why the domain name has its state, if nobody asked for that.
func (i inventory) Reason(name string) (reason string, err error) {
	err = i.with(name, func(dom *libvirt.Domain) (err error) {
		_, reason, err = state.WithReason(dom)
		return err
	})
	return reason, refusal.Plain(err)
}
