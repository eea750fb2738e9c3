package wire

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What etcd's members say of themselves is believed in this form only: it becomes lines of units on other nodes.
var (
	nameForm = regexp.MustCompile(`^[A-Za-z0-9.-]{1,128}$`)
	urlForm  = regexp.MustCompile(`^(https?)://(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9.-]{1,253})):([1-9][0-9]{0,4})$`)
	numeric  = regexp.MustCompile(`(^|\.)[0-9]+$`) // a host that is meant as an IPv4 address (RFC 1123, 2.1)
)

// MaxRegistration is how many bytes a member's registration may have.
const MaxRegistration = 1 << 10

// URL is a member's: where its peers or its clients reach it.
type URL struct {
	Scheme string // http or https
	Host   string // an address, or a name
	Port   uint16
}

// Addr is the host's address; the zero one is of a host that has a name only.
func (u URL) Addr() netip.Addr {
	address, _ := netip.ParseAddr(u.Host)
	return address.Unmap()
}

// IsName reports whether the text can be a member's name.
func IsName(text string) bool { return nameForm.MatchString(text) }

// ParseURL takes a scheme, an address or a host's name, a port, and nothing else.
func ParseURL(text string) (URL, error) {
	parts := urlForm.FindStringSubmatch(text)
	if parts == nil {
		return URL{}, fmt.Errorf("%.80q is not a scheme, an address and a port", text)
	}
	u := URL{Scheme: parts[1], Host: parts[2] + parts[3]}
	port, err := strconv.ParseUint(parts[4], 10, 16)
	if u.Port = uint16(port); err != nil {
		return URL{}, fmt.Errorf("%q: there is no such port", text)
	}
	address := u.Addr()
	if !address.IsValid() && (parts[2] != "" || numeric.MatchString(u.Host)) || address.IsUnspecified() || address.IsMulticast() {
		return URL{}, fmt.Errorf("%q: there is no host of that address", text)
	}
	return u, nil
}

// Check is what is wrong with a member as its cluster knows it. One that has not started has no name.
func (p Peer) Check() error {
	if p.Name != "" && !IsName(p.Name) {
		return fmt.Errorf("a member's name has letters, digits, dots and hyphens, not %.80q", p.Name)
	}
	for _, url := range p.URLs {
		if _, err := ParseURL(url); err != nil {
			return fmt.Errorf("a member's peer URL: %w", err)
		}
	}
	return nil
}

// Digest is the same of two lists of the same members, whatever their order.
func Digest(peers []Peer) string {
	lines := []string{}
	for _, peer := range peers {
		lines = append(lines, fmt.Sprintf("%q %q %q %t", peer.ID, peer.Name, slices.Sorted(slices.Values(peer.URLs)), peer.Learner))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// Registration is what a member puts into a discovery service: its name, and where its peers reach it.
type Registration struct {
	Name string
	URLs []URL // at least one, of one address
}

// ParseRegistration takes `core01=http://10.77.0.11:2380`, several with commas.
func ParseRegistration(value string) (r Registration, err error) {
	if len(value) > MaxRegistration {
		return r, fmt.Errorf("a registration has at most %d bytes", MaxRegistration)
	}
	for _, part := range strings.Split(value, ",") {
		name, text, _ := strings.Cut(part, "=")
		u, err := ParseURL(text)
		switch {
		case err != nil:
			return r, err
		case !IsName(name) || r.Name != "" && name != r.Name:
			return r, fmt.Errorf("a member has one name, of letters, digits, dots and hyphens, not %.80q", name)
		case !u.Addr().IsValid() || len(r.URLs) > 0 && u.Addr() != r.URLs[0].Addr():
			return r, errors.New("a member's peer URLs have one address")
		}
		r.Name, r.URLs = name, append(r.URLs, u)
	}
	return r, nil
}
