package engine

import (
	"net/url"
	"strings"
)

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

// Host is the host that libvirt runs on, as the URI has it; empty if that is this one (https://libvirt.org/uri.html). What a program of
// the user's own connects to (transport ext) may be anywhere: its host has no name.
func (w Where) Host() (name string, remote bool) {
	u, err := url.Parse(w.URI)
	if err != nil {
		return "", false
	}
	_, transport, _ := strings.Cut(u.Scheme, "+")
	return u.Hostname(), transport != "unix" && u.Host != "" || transport == "ext"
}

// IsRemote tells whether libvirt runs on another host than this one.
func (w Where) IsRemote() bool { _, remote := w.Host(); return remote }

// IsSession tells whether it is a libvirt of the user's own.
func (w Where) IsSession() bool {
	return strings.HasSuffix(strings.SplitN(w.URI, "?", 2)[0], "/session")
}

// InLab tells whether the domain was made in the lab.
func (m Metadata) InLab() bool { return strings.HasPrefix(m.Libvirt, labMark) }
