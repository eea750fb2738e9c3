package engine

import "strings"

// labMark is before the URI of a libvirt that is the lab's.
const labMark = "lab "

// Where is which libvirt a run talks to.
type Where struct {
	URI   string
	InLab bool // whether it is the lab's
}

// String is what is noted of it in each domain.
func (w Where) String() string {
	if w.InLab {
		return labMark + w.URI
	}
	return w.URI
}

// IsSession tells whether it is a libvirt of the user's own.
func (w Where) IsSession() bool {
	return strings.HasSuffix(strings.SplitN(w.URI, "?", 2)[0], "/session")
}

// InLab tells whether the domain was made in the lab.
func (m Metadata) InLab() bool { return strings.HasPrefix(m.Libvirt, labMark) }
