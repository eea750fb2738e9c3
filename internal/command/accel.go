package command

import (
	"strings"

	"coreos-libvirt/internal/host/check"
	"coreos-libvirt/internal/terminal/hint"
)

// accelOf is what runs the nodes of this run: accel=, where auto is TCG if libvirt's KVM is known not to work. That is tried
// once after each boot of the host, not by a run that only looks.
func accelOf(r *Run, looks bool) string {
	if r.Accel != "auto" || r.daemon == nil || !strings.HasPrefix(r.URI, "qemu") || !r.daemon.HasKVM(r.Arch) {
		return r.Accel // without KVM, auto is TCG
	}
	accel, _ := r.values.accel.get(func() (string, error) {
		fault := faultOfKVM(kvmOf(r.Settings), r.daemon, looks)
		if fault == nil {
			return r.Accel, nil
		}
		r.log.Say("nodes are emulated, which is slow: %s (hint: `%s` tries it again)", hint.FirstLine(fault), asCalled(r.Settings, "host:check", "accel=kvm"))
		return "tcg", nil
	})
	return accel
}

// faultOfKVM is why KVM does not work, as it was found, or in a run that does not only look is found now.
func faultOfKVM(kvm check.KVM, daemon check.Daemon, looks bool) error {
	fault, known := kvm.Known()
	if known || looks {
		return fault
	}
	return kvm.Try(daemon)
}
