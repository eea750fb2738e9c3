package engine

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"time"
)

// Engine runs machines. What else an engine can do stands in the optional interfaces below: As gives them.
type Engine interface {
	Inventory
	Definer
	Power
	Events
	Ports
	// Disks are what its domains are booted from.
	Disks() Disks
}

// Inventory looks at domains, and changes nothing.
type Inventory interface {
	// Domains are all domains that the engine has, by name.
	Domains() (map[string]Domain, error)
	// Defined are the same as their definitions say: nothing is known of whether they run. It asks less.
	Defined() (map[string]Domain, error)
	// Running are the names of the domains that run.
	Running() (map[string]bool, error)
	// State is the state of the domain of that name.
	State(name string) (State, error)
	// Reason is why the domain of that name has its state, if nobody asked for that; else empty.
	Reason(name string) (string, error)
}

// Definer makes domains, and removes them.
type Definer interface {
	// Define makes or changes a domain. text is its definition as the engine writes it; made is what the engine made of it.
	Define(text string) (made string, err error)
	// Remove ends and removes the domain with the UUID, if its metadata name one of the owners: the ID or the path of a
	// workspace. That there is none is not an error.
	Remove(uuid string, owners ...string) error
}

// Power starts and ends domains.
type Power interface {
	// Start boots a domain. A paused one goes on.
	Start(name string) error
	// Shutdown asks the guest to end, and does not wait.
	Shutdown(name string) error
	// Destroy ends a domain as if its power were cut.
	Destroy(name string) error
}

// Events report what happens to domains.
type Events interface {
	// Watch gives a value each time that something may have happened to the domain. end stops that.
	Watch(domain string) (happened <-chan struct{}, end func())
	// Started is when the domain was last started; since if no event says so.
	Started(domain string, since time.Time) time.Time
	// Reboots is how often the domain has rebooted since the engine was opened.
	Reboots(domain string) int
}

// Ports open what leads into a guest.
type Ports interface {
	// Channel opens the virtio channel of that name. ErrBusy says that another program had it until ctx ended.
	Channel(ctx context.Context, domain, name string) (Channel, error)
}

// Channel is the host's end of what leads into a guest. Read and Write end with ctx's error when the context ends that it
// was opened with, Read with io.EOF when its domain ends.
type Channel interface {
	io.ReadWriter
	Close()
}

// ErrRestarted ends a channel whose engine was restarted. The guest goes on: the channel can be opened again.
var ErrRestarted = errors.New("libvirt's daemon hung up")

// ErrNoMemorySnapshot is a domain of which no snapshot with memory can be made.
var ErrNoMemorySnapshot = errors.New("libvirt makes no snapshot of it while it runs")

// ErrBusy is a channel that another program had until the context's end.
var ErrBusy = errors.New("another program has it")

// Changer changes running domains. What it refuses takes effect at the next start.
type Changer interface {
	// Update changes a device. text is the device as the engine writes it.
	Update(name, text string) error
	// Attach plugs a disk in. text is the disk as the engine writes it.
	Attach(name, text string) error
	// Resize has the guest see that a disk, by the path that stands in its definition, has that many GiB.
	Resize(name, file string, gib int) error
	// SetVCPUs plugs processors in, or out.
	SetVCPUs(name string, count int) error
	// SetMemory plugs memory in, up to mib MiB.
	SetMemory(name string, mib int) error
	// Took notes in the running domain what it is by now.
	Took(name string, mark Metadata) error
}

// Marker changes what is noted in a domain, and nothing else of it.
type Marker interface {
	// Mark notes the mark in the definition for the domain's next start. made is what the engine made of that.
	Mark(name string, mark Metadata) (made string, err error)
}

// Autostarter is an engine that starts domains by itself when its host boots.
type Autostarter interface {
	// Autostart reports whether it starts the domain then.
	Autostart(name string) (bool, error)
	// SetAutostart has it start the domain then.
	SetAutostart(name string) error
}

// Consoles open serial consoles.
type Consoles interface {
	Console(ctx context.Context, domain string) (Channel, error)
}

// Screens take pictures of what a domain shows: PNG or PPM, of most bytes at most.
type Screens interface {
	Screen(ctx context.Context, domain string, most int64) ([]byte, error)
}

// Addresses are those that an engine knows of by itself; the zero value if it knows none.
type Addresses interface {
	// Lease is the address that a DHCP server of the engine's own gave.
	Lease(domain, mac string) netip.Addr
	// AgentAddress is what an agent in the guest says.
	AgentAddress(domain, mac string) netip.Addr
}

// Networks are those of the engine's own.
type Networks interface {
	// NetworkBridge is the host's bridge of the network, or empty if it has none.
	NetworkBridge(network string) (string, error)
}

// Reservations are those of networks of the engine's own.
type Reservations interface {
	// Reserved is the address that the network's DHCP server keeps for the hardware address; the zero value if it keeps none.
	Reserved(network, mac string) netip.Addr
}

// Copies are an engine's own copies of base images, where its disks are.
type Copies interface {
	// PruneCopies removes those that no disk stands on. It gives their names, and how many bytes they took.
	PruneCopies(domains map[string]Domain) (removed []string, bytes int64, err error)
}

// Bringer is an engine that needs copies of base images of its own before nodes are made.
type Bringer interface {
	// Bring makes sure that the engine has the image that is, or would be, at the path here. It gives the sha256 of its content, in
	// hex; empty if the engine needs no copy.
	Bring(ctx context.Context, base string) (sha256 string, err error)
}

// HostLinks knows the links of the machine that the engine runs domains on.
type HostLinks interface {
	// HasLink reports whether there is a bridge or card of that name, if that is known.
	HasLink(name string) (there, known bool)
}

// Host is the machine that the engine runs domains on.
type Host interface {
	HasKVM(arch string) bool
	HasUEFI(arch string) bool
}
