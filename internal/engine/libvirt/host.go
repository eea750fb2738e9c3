//go:build cgo && libvirt_dlopen

package libvirt

import (
	"sync"

	"coreos-libvirt/internal/engine/libvirt/refusal"

	"libvirt.org/go/libvirt"

	"coreos-libvirt/internal/engine/libvirt/domainxml"
)

// host is the machine that libvirt runs domains on: what it and its libvirt can do.
type host struct {
	*connection
	kvm  sync.Map // what HasKVM has found, by architecture
	uefi sync.Map // what HasUEFI has found, by architecture
}

// HasKVM reports whether libvirt offers domains of the type kvm for arch (x86_64, aarch64). A KVM that
// is offered may still fail when a domain starts.
func (h *host) HasKVM(arch string) bool {
	if has, known := h.kvm.Load(arch); known {
		return has.(bool)
	}
	err := h.use(func(conn *libvirt.Connect) error {
		_, err := conn.GetDomainCapabilities("", arch, "", "kvm", 0)
		return err
	})
	if err == nil || definite(err) {
		h.kvm.Store(arch, err == nil)
	}
	return err == nil
}

// HasUEFI reports whether libvirt finds a UEFI for domains of arch (x86_64, aarch64). If it does not say, it may.
func (h *host) HasUEFI(arch string) bool {
	if has, known := h.uefi.Load(arch); known {
		return has.(bool)
	}
	machine := "q35"
	if arch == "aarch64" {
		machine = "virt"
	}
	has := true
	err := h.use(func(conn *libvirt.Connect) error {
		text, err := conn.GetDomainCapabilities("", arch, machine, "", 0)
		if err == nil {
			has, err = domainxml.OffersUEFI(text)
		}
		return err
	})
	if err == nil || definite(err) {
		h.uefi.Store(arch, has)
	}
	return has
}

// definite reports whether libvirt has answered that it does not do something, rather than not answered.
func definite(err error) bool {
	return refusal.Is(err, libvirt.ERR_INVALID_ARG) || refusal.Is(err, libvirt.ERR_CONFIG_UNSUPPORTED) || refusal.Is(err, libvirt.ERR_NO_SUPPORT) || refusal.Is(err, libvirt.ERR_OPERATION_UNSUPPORTED)
}

// Version is the daemon's, as three numbers: 9.0.0.
func (h *host) Version() (major, minor, release uint32, err error) {
	return h.version((*libvirt.Connect).GetLibVersion)
}

// QEMUVersion is that of the driver's own program.
func (h *host) QEMUVersion() (major, minor, release uint32, err error) {
	return h.version((*libvirt.Connect).GetVersion)
}

func (h *host) version(get func(*libvirt.Connect) (uint32, error)) (major, minor, release uint32, err error) {
	var v uint32
	err = h.use(func(conn *libvirt.Connect) (err error) {
		v, err = get(conn)
		return err
	})
	if err != nil {
		return 0, 0, 0, refusal.Plain(err)
	}
	return v / 1000000, v / 1000 % 1000, v % 1000, nil
}
