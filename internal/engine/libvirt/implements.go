package libvirt

import "coreos-libvirt/internal/engine"

// What libvirt is as an engine, in every build.
var (
	_ engine.Engine       = (*Conn)(nil)
	_ engine.Changer      = (*Conn)(nil)
	_ engine.Marker       = (*Conn)(nil)
	_ engine.Autostarter  = (*Conn)(nil)
	_ engine.Consoles     = (*Conn)(nil)
	_ engine.Screens      = (*Conn)(nil)
	_ engine.Addresses    = (*Conn)(nil)
	_ engine.Networks     = (*Conn)(nil)
	_ engine.Reservations = (*Conn)(nil)
	_ engine.Copies       = (*Conn)(nil)
	_ engine.Bringer      = (*Conn)(nil)
	_ engine.HostLinks    = (*Conn)(nil)
	_ engine.Host         = (*Conn)(nil)
	_ engine.Snapshots    = (*Conn)(nil)
	_ engine.Capacities   = (*Conn)(nil)
	_ engine.Leases       = (*Conn)(nil)

	_ engine.Definitions = Definitions{}
)
