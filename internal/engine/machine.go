package engine

import "slices"

// Machine is the processors and the memory that a domain has. A running domain can have others than its definition says:
// some were plugged in.
type Machine struct {
	VCPUs, MaxVCPUs   int
	FixedVCPUs        int // that cannot be unplugged: those that it was started with
	Memory, MaxMemory int // MiB; plugged DIMMs are counted
	Slots             int // for DIMMs, that are free
}

// SameAs reports whether both have the same processors and memory.
func (m Machine) SameAs(o Machine) bool { return m.VCPUs == o.VCPUs && m.Memory == o.Memory }

// Metadata is what the project writes into each domain: whose it is, and what it was made from.
// It is the only record; there is no state file.
type Metadata struct {
	Workspace  string // absolute path of the clone, when the domain was defined
	Cluster    string // the prefix
	Number     int
	Ignition   string // sha256 of ignition.json before the words of discovery are replaced, in hex
	Base       string // path of the base image
	Definition string // sha256 of the domain's definition without this record, in hex
	Libvirt    string // where the domain is: the URI; the lab's has the word lab before it
	Image      string // size and time of the base image
	Firmware   string // bios or uefi; empty if it is not known, or if the user does not say what is wanted
	Disk       int    // GiB; 0 if it is not known, or if the image decides what is wanted
	ID         string // of the workspace, wherever it is; empty if the domain was defined before there were IDs
	Role
	Settings string // what the cluster was made with, as settings.Remembered writes it; empty if it was made before that was noted
	Said     string // when Settings were said (RFC 3339): of a cluster's marks the latest counts
	Birth
}

// Birth is how the node was made, which stays until it is recreated. The tags are as domains' metadata have it.
type Birth struct {
	Since   string `xml:"since,attr,omitempty"`   // when (RFC 3339); empty if that is not known
	Version string `xml:"version,attr,omitempty"` // of the program that made it, as launch.Version has it; empty if that is not known
}

// Role is what sets a node apart from others of its cluster. The tags are as domains' metadata have it.
type Role struct {
	Group string `xml:"group,attr,omitempty"` // or empty; Metadata.Number is the node's in it
	Etcd  string `xml:"etcd,attr,omitempty"`  // NoEtcd if the node has no member, in a cluster whose nodes have different configs; else empty

	Disks    string `xml:"disks,attr,omitempty"`    // its further disks, as DisksText writes them; empty if it is not known
	Networks string `xml:"networks,attr,omitempty"` // what its further cards are plugged into, as LinksText writes it; empty if it is not known
}

// NoEtcd in place of Role.Etcd says that the node's document has no word of discovery: it is not a member of the cluster's etcd.
const NoEtcd = "none"

// IsMember reports whether the node of the mark has a member of the cluster's etcd, if there is one.
func (m *Metadata) IsMember() bool { return m == nil || m.Etcd != NoEtcd }

// BelongsTo reports whether one of the owners, each the ID or the path of a workspace, is that of the mark.
func (m *Metadata) BelongsTo(owners ...string) bool {
	return m != nil && (slices.Contains(owners, m.Workspace) || m.ID != "" && slices.Contains(owners, m.ID))
}

// InPart is in place of the digest Metadata.Definition in a running domain that took only a part of a new definition.
const InPart = "in part"

// Domain is what the engine has under a node's name.
type Domain struct {
	Name     string
	UUID     string
	State    State
	Metadata *Metadata // nil if the project did not make the domain
	Started  string    // digest of the definition that a running domain was started with; empty if it is not known
	Backing  string    // backing file of a running domain's first disk; empty if it is not known

	Firmware string // bios or uefi
	Arch     string // x86_64 or aarch64
	Link     Link   // of its first network card

	Machine Machine // of the definition for the next start
	Runs    Machine // of a running domain, now

	Mishap

	XML   string   // the definition for the next start, as the engine has it
	MACs  []string // of its network cards
	Disks []string // files
}

// Mishap is what has happened to a domain that this project does not ask for.
type Mishap struct {
	Reason    string // why it is in its state: "I/O error"; empty if somebody asked for that
	Transient bool   // it runs, and has no definition: somebody has undefined it
}

// State of a domain, in libvirt's words.
type State string

// The states that matter here; libvirt's others are Other.
const (
	Running State = "running"
	Paused  State = "paused"
	ShutOff State = "shut off"
	Crashed State = "crashed"
	Other   State = "in another state"
)

// InUse reports whether QEMU may have the domain's disk open. That of a paused guest does, and that of a crashed one that is
// kept to be looked at.
func (d Domain) InUse() bool { return d.Name != "" && d.State != ShutOff }

// Described is the domain's state, with its reason if nobody asked for that: "paused: I/O error".
func (d Domain) Described() string {
	if d.Reason == "" {
		return string(d.State)
	}
	return string(d.State) + ": " + d.Reason
}

// Outdated reports whether the domain was started with another definition than it has now.
func (d Domain) Outdated() bool { return d.Started != "" && d.Started != d.Metadata.Definition }
