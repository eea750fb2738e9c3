package engine

import (
	"maps"
	"net/url"
	"slices"
	"strings"
)

// labMark is before the URI of a libvirt that is the lab's.
const labMark = "lab "

// Where is which libvirt a run talks to.
type Where struct {
	URI   string
	InLab bool              // whether it is the lab's
	Hosts map[string]string // the URIs of several hosts, by name, in place of URI; nil if it is one
}

// String is what is noted of it in each domain.
func (w Where) String() string {
	if len(w.Hosts) > 0 {
		return strings.Join(slices.Sorted(maps.Values(w.Hosts)), ", ")
	}
	if w.InLab {
		return labMark + w.URI
	}
	return w.URI
}

// On is where the nodes of the host of that name are.
func (w Where) On(host string) Where {
	if uri, several := w.Hosts[host]; several {
		return Where{URI: uri, InLab: w.InLab}
	}
	return w
}

// Has reports whether what is noted in a domain is a libvirt that the run talks to, and which of several hosts that is.
func (w Where) Has(noted string) (host string, has bool) {
	if len(w.Hosts) == 0 {
		return "", noted == w.String()
	}
	for name := range w.Hosts {
		if w.On(name).String() == noted {
			return name, true
		}
	}
	return "", false
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

// IsRemote reports whether libvirt runs on another host than this one, or on several of which one is another.
func (w Where) IsRemote() bool {
	for name := range w.Hosts {
		if _, remote := w.On(name).Host(); remote {
			return true
		}
	}
	_, remote := w.Host()
	return remote
}

// IsSession reports whether it is a libvirt of the user's own.
func (w Where) IsSession() bool {
	return strings.HasSuffix(strings.SplitN(w.URI, "?", 2)[0], "/session")
}

// InLab reports whether the domain was made in the lab.
func (m Metadata) InLab() bool { return strings.HasPrefix(m.Libvirt, labMark) }
