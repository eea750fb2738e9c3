package check

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"time"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// faultKept is how long a KVM that does not work is not tried again by runs that may do without it: a try can take seconds.
const faultKept = time.Hour

// KVM tries whether nodes can run by KVM, and remembers what it found until the host is booted again.
type KVM struct {
	Arch   string // x86_64 or aarch64
	Folder string // QEMU reaches it: for the program that is tried; if empty, it is only seen whether a domain starts
	File   string // remembers; if empty, nothing does
	BootID string // of the host (proc(5), /proc/sys/kernel/random/boot_id)
}

// HostBootID is this host's, new at each of its boots.
func HostBootID() string { return strings.TrimSpace(root.Read("proc/sys/kernel/random/boot_id")) }

// tried is the content of the file.
type tried struct {
	BootID string    `json:"boot_id"`
	Arch   string    `json:"arch"`
	At     time.Time `json:"at"`
	Fault  string    `json:"fault,omitempty"` // empty: it works
}

// Try tries it now. The error says why nodes cannot run by KVM.
func (k KVM) Try(daemon Daemon) error {
	if !daemon.HasKVM(k.Arch) {
		return hint.Errorf("enable virtualization in the machine's firmware, and modprobe kvm_intel or kvm_amd; accel=tcg emulates, slowly but without it",
			"libvirt offers no KVM for %s", k.Arch)
	}
	fault := daemon.Probe("kvm", k.Arch, k.Folder)
	found := tried{BootID: k.BootID, Arch: k.Arch, At: time.Now()}
	if fault != nil {
		found.Fault = hint.FirstLine(fault)
	}
	text, err := json.Marshal(found)
	if err == nil && k.File != "" {
		_ = artifact.Write(k.File, text, 0o644) // one that is not remembered is tried again
	}
	return fault
}

// Known is what an earlier try has found: nil if it worked, or if nothing is known.
func (k KVM) Known() (fault error, known bool) {
	var found tried
	text, err := os.ReadFile(k.File)
	if err != nil || json.Unmarshal(text, &found) != nil || found.BootID != k.BootID || found.Arch != k.Arch {
		return nil, false
	}
	if found.Fault == "" {
		return nil, true
	}
	if age := time.Since(found.At); age < 0 || age > faultKept {
		return nil, false
	}
	return errors.New(found.Fault), true
}
