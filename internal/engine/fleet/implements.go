package fleet

import "coreos-libvirt/internal/engine"

// What a fleet is as an engine.
var (
	_ engine.Engine      = (*Fleet)(nil)
	_ engine.Changer     = (*Fleet)(nil)
	_ engine.Marker      = (*Fleet)(nil)
	_ engine.Autostarter = (*Fleet)(nil)
	_ engine.Consoles    = (*Fleet)(nil)
	_ engine.Screens     = (*Fleet)(nil)
	_ engine.Addresses   = (*Fleet)(nil)
	_ engine.Networks    = (*Fleet)(nil)
	_ engine.Host        = (*Fleet)(nil)
	_ engine.Snapshots   = (*Fleet)(nil)
	_ engine.Hosts       = (*Fleet)(nil)
	_ engine.Leaver      = (*Fleet)(nil)
)
