//go:build cgo && libvirt_dlopen

package state

import (
	"testing"

	"libvirt.org/go/libvirt"

	"coreos-libvirt/internal/engine"
)

// TestReasons: those that somebody asked for are none.
func TestReasons(t *testing.T) {
	for of, want := range map[stateReason]struct {
		state  engine.State
		reason string
	}{
		{libvirt.DOMAIN_PAUSED, int(libvirt.DOMAIN_PAUSED_IOERROR)}:      {engine.Paused, "I/O error"},
		{libvirt.DOMAIN_PAUSED, int(libvirt.DOMAIN_PAUSED_USER)}:         {engine.Paused, ""},
		{libvirt.DOMAIN_PAUSED, int(libvirt.DOMAIN_PAUSED_SNAPSHOT)}:     {engine.Paused, ""},
		{libvirt.DOMAIN_PAUSED, int(libvirt.DOMAIN_PAUSED_STARTING_UP)}:  {engine.Running, ""},
		{libvirt.DOMAIN_SHUTOFF, int(libvirt.DOMAIN_SHUTOFF_SHUTDOWN)}:   {engine.ShutOff, ""},
		{libvirt.DOMAIN_SHUTOFF, int(libvirt.DOMAIN_SHUTOFF_CRASHED)}:    {engine.ShutOff, "it crashed, or QEMU did"},
		{libvirt.DOMAIN_CRASHED, int(libvirt.DOMAIN_CRASHED_PANICKED)}:   {engine.Crashed, "its kernel panicked"},
		{libvirt.DOMAIN_RUNNING, int(libvirt.DOMAIN_RUNNING_BOOTED)}:     {engine.Running, ""},
		{libvirt.DOMAIN_PMSUSPENDED, int(libvirt.DOMAIN_PAUSED_IOERROR)}: {engine.Other, ""},
	} {
		if state, reason := Named(of.state, of.reason), reasons[of]; state != want.state || reason != want.reason {
			t.Errorf("%+v: want %+v, got %s, %q", of, want, state, reason)
		}
	}
}

// TestIOErrorNamesItsDisks: which of them, and whether its file system is full.
func TestIOErrorNamesItsDisks(t *testing.T) {
	for _, c := range []struct {
		disks []libvirt.DomainDiskError
		want  string
	}{
		{nil, "I/O error"},
		{[]libvirt.DomainDiskError{{Disk: "vda", Error: libvirt.DOMAIN_DISK_ERROR_NO_SPACE}}, "I/O error, vda: no space left where its file is"},
		{[]libvirt.DomainDiskError{{Disk: "vdb", Error: libvirt.DOMAIN_DISK_ERROR_UNSPEC}}, "I/O error, vdb: the host does not read or write its file"},
	} {
		if got := ioError(c.disks); got != c.want {
			t.Errorf("want %s, got %s", c.want, got)
		}
	}
}
