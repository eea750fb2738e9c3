//go:build cgo && libvirt_dlopen

// Package state is what libvirt says of a domain's state, in an engine's words, and why the domain has it.
package state

import (
	"cmp"
	"strings"

	"libvirt.org/go/libvirt"

	"coreos-libvirt/internal/engine"
)

var states = map[libvirt.DomainState]engine.State{
	libvirt.DOMAIN_RUNNING:  engine.Running,
	libvirt.DOMAIN_BLOCKED:  engine.Running,
	libvirt.DOMAIN_PAUSED:   engine.Paused,
	libvirt.DOMAIN_SHUTOFF:  engine.ShutOff,
	libvirt.DOMAIN_SHUTDOWN: engine.Other,
	libvirt.DOMAIN_CRASHED:  engine.Crashed,
}

// stateReason is a state with libvirt's reason for it.
type stateReason struct {
	state  libvirt.DomainState
	reason int
}

// reasons are those that nobody asks for (virDomainPausedReason, virDomainShutoffReason and virDomainCrashedReason in
// https://libvirt.org/html/libvirt-libvirt-domain.html). Whoever pauses a domain, or saves it, has another.
var reasons = map[stateReason]string{
	{libvirt.DOMAIN_PAUSED, int(libvirt.DOMAIN_PAUSED_IOERROR)}:         "I/O error",
	{libvirt.DOMAIN_PAUSED, int(libvirt.DOMAIN_PAUSED_WATCHDOG)}:        "its watchdog bit",
	{libvirt.DOMAIN_PAUSED, int(libvirt.DOMAIN_PAUSED_CRASHED)}:         "its kernel crashed",
	{libvirt.DOMAIN_PAUSED, int(libvirt.DOMAIN_PAUSED_POSTCOPY_FAILED)}: "its migration failed",
	{libvirt.DOMAIN_PAUSED, int(libvirt.DOMAIN_PAUSED_API_ERROR)}:       "libvirt could not let it go on",
	{libvirt.DOMAIN_SHUTOFF, int(libvirt.DOMAIN_SHUTOFF_CRASHED)}:       "it crashed, or QEMU did",
	{libvirt.DOMAIN_SHUTOFF, int(libvirt.DOMAIN_SHUTOFF_FAILED)}:        "it could not be started",
	{libvirt.DOMAIN_CRASHED, int(libvirt.DOMAIN_CRASHED_PANICKED)}:      "its kernel panicked",
}

// Of is the domain's state.
func Of(dom *libvirt.Domain) (engine.State, error) {
	state, reason, err := dom.GetState()
	return Named(state, reason), err
}

// Named is the state by libvirt's numbers.
func Named(state libvirt.DomainState, reason int) engine.State {
	if state == libvirt.DOMAIN_PAUSED && reason == int(libvirt.DOMAIN_PAUSED_STARTING_UP) {
		return engine.Running // in a moment: somebody's start is at it
	}
	return cmp.Or(states[state], engine.Other)
}

// WithReason is the domain's state, and why it has it, if nobody asked for that.
func WithReason(dom *libvirt.Domain) (engine.State, string, error) {
	state, number, err := dom.GetState()
	if err != nil {
		return engine.Other, "", err
	}
	reason := reasons[stateReason{state, number}]
	if state == libvirt.DOMAIN_PAUSED && number == int(libvirt.DOMAIN_PAUSED_IOERROR) {
		disks, _ := dom.GetDiskErrors(0) // QEMU may not say more
		reason = ioError(disks)
	}
	return Named(state, number), reason, nil
}

// ioError names the disks that libvirt paused a domain for: "I/O error, vda: no space left where its file is".
func ioError(disks []libvirt.DomainDiskError) string {
	causes := []string{}
	for _, disk := range disks {
		what := map[libvirt.DomainDiskErrorCode]string{
			libvirt.DOMAIN_DISK_ERROR_NO_SPACE: "no space left where its file is",
			libvirt.DOMAIN_DISK_ERROR_UNSPEC:   "the host does not read or write its file",
		}[disk.Error]
		causes = append(causes, disk.Disk+": "+cmp.Or(what, "of a kind that is not known"))
	}
	return strings.Join(append([]string{"I/O error"}, causes...), ", ")
}
