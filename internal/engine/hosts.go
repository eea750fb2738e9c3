package engine

// Hosts is an engine whose domains run on several hosts.
type Hosts interface {
	// HostNames are the hosts' names, in the user's order.
	HostNames() []string
	// HostOf is the name of the host that has the domain, or that a new one of that name will be made on; empty if that is not
	// known.
	HostOf(domain string) string
	// Silent are the causes of the hosts that do not answer, by name. What they have is not known.
	Silent() map[string]error
	// Assign has a node that is not there be made on the host.
	Assign(node, host string)
	// Move has a node be made on the host when it is made again. Its domain stays where it is until it is removed.
	Move(node, host string)
	// OnHost is the engine of the host of that name alone, or why it does not answer.
	OnHost(name string) (Engine, error)
	// PerHost is what each host has that answers, by name.
	PerHost() (map[string]Capacity, error)
}

// Leaver removes what nodes leave on a host.
type Leaver interface {
	// Leave removes the files of a node whose domain was removed to be made on another host, from the one where it was. If nobody knows
	// by now which one that is, from all that answer but the one that it is made on.
	Leave(node Files) error
}

// Capacity is what a host has for domains.
type Capacity struct {
	CPUs   int
	Memory int // MiB
	Free   int // MiB that domains that start can have; -1 if it is not known
}

// Capacities is an engine that knows what its host has.
type Capacities interface {
	Capacity() (Capacity, error)
}

// HostsOf is the engine as one of several hosts; nil if it is one host's.
func HostsOf(e Engine) Hosts {
	if hosts, several := As[Hosts](e); several {
		return hosts
	}
	return nil
}

// HostCount is how many hosts the engine runs domains on.
func HostCount(e Engine) int {
	if hosts := HostsOf(e); hosts != nil {
		return len(hosts.HostNames())
	}
	return 1
}

// HostNamed is the host that has the domain; empty if the engine is one host's.
func HostNamed(e Engine, domain string) string {
	if hosts := HostsOf(e); hosts != nil {
		return hosts.HostOf(domain)
	}
	return ""
}
