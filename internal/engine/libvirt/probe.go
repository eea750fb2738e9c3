//go:build cgo && libvirt_dlopen

package libvirt

import (
	"errors"
	"fmt"
	"os"
	"time"

	"libvirt.org/go/libvirt"

	"coreos-libvirt/internal/engine/libvirt/domainxml"
	"coreos-libvirt/internal/terminal/hint"
)

// Where a processor of KVM's does not run, QEMU tells within a fraction of that.
const (
	probeRuns = 20 * time.Millisecond
	probePoll = 2 * time.Millisecond
)

// ProbeKVM starts a domain without disks, lets it run for some milliseconds, and ends it: a KVM that is there but
// does not work fails here, be it when QEMU sets the processor up or when that is to run.
func (h *host) ProbeKVM(arch string) error {
	xml, err := domainxml.Probe(fmt.Sprintf("coreos-libvirt-probe-%d", os.Getpid()), arch)
	if err != nil {
		return err
	}
	return h.use(func(conn *libvirt.Connect) error {
		dom, err := conn.DomainCreateXML(xml, libvirt.DOMAIN_START_PAUSED|libvirt.DOMAIN_START_AUTODESTROY)
		if err != nil {
			return startError(plain(err))
		}
		defer func() { _ = dom.Free() }()
		err = runs(dom)
		_ = dom.Destroy() // one that ended by itself is gone
		return err
	})
}

// runs lets the domain run, and tells why it does not.
func runs(dom *libvirt.Domain) error {
	if err := dom.Resume(); err != nil {
		return startError(fmt.Errorf("KVM runs no processor: %w", plain(err)))
	}
	for deadline := time.Now().Add(probeRuns); time.Now().Before(deadline); time.Sleep(probePoll) {
		state, reason, err := dom.GetState()
		if err != nil {
			return startError(fmt.Errorf("KVM runs no processor: %w", plain(err)))
		}
		if err := halted(state, reason); err != nil {
			return err
		}
	}
	return nil
}

// halted tells of a state that a domain has which could not go on, as after a KVM_RUN that fails.
func halted(state libvirt.DomainState, reason int) error {
	if state == libvirt.DOMAIN_RUNNING || state == libvirt.DOMAIN_BLOCKED {
		return nil
	}
	return hint.Errorf("this host's KVM does not work: accel=tcg emulates, slowly but without it",
		"KVM runs no processor: %w", errors.New("the domain is "+string(states[state])+fmt.Sprintf(" (libvirt's reason %d) at once", reason)))
}
