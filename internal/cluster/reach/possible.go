package reach

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// ErrImpossible is a node that says of itself that it is where it cannot be: the host connects to no such address.
var ErrImpossible = errors.New("reports an impossible address")

// surroundings are what the host knows of the addresses that a node can have.
type surroundings struct {
	link     string                    // by which the host reaches the nodes; empty if it is not known
	networks map[string][]netip.Prefix // of the host, by link
}

// surroundings are those of the nodes now.
func (n Nodes) surroundings() (s surroundings, err error) {
	if s.networks, err = host.Networks(); err != nil {
		return s, fmt.Errorf("cannot read this host's own addresses: %w", err)
	}
	if n.Link != (engine.Link{}) && !n.Where.IsRemote() { // nodes elsewhere may be behind a router
		s.link, _ = n.HostLink() // without it, what is sure is refused
	}
	return s, nil
}

// wrong is why no node can have the address, or empty if one can. It must be a global unicast address (RFC 4291, section 2.4;
// a unique local one of IPv6, RFC 4193, is one), none of the host's, and on a network of the nodes' link. A link without a
// network of that family is reached by a router: what is on another link of the host is not there.
func (s surroundings) wrong(address netip.Addr) string {
	if !address.IsGlobalUnicast() || address.Is4In6() {
		return "it is not a global unicast address"
	}
	known := false
	for link, networks := range s.networks {
		for _, network := range networks {
			switch {
			case network.Addr() == address:
				return "it is this host's own, on " + link
			case link == s.link && network.Addr().Is4() == address.Is4() && network.Addr().IsGlobalUnicast():
				known = true
			}
		}
	}
	return s.elsewhere(address, known)
}

// elsewhere is why an address that is not the host's is not on the nodes' link; known reports whether the host has a network of
// the address' family there.
func (s surroundings) elsewhere(address netip.Addr, known bool) string {
	if s.on(s.link, address) {
		return ""
	}
	if known {
		return "it is on no network of " + s.link
	}
	for link := range s.networks {
		if s.link != "" && s.on(link, address) {
			return "it is on the network of " + link + ", and the nodes are on " + s.link
		}
	}
	return ""
}

// on reports whether the address is on a network of the link.
func (s surroundings) on(link string, address netip.Addr) bool {
	for _, network := range s.networks[link] {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

// possible is the report with only those addresses of the node's card that it can have. A report that has none but others is
// an error.
func (s surroundings) possible(report guest.Report, mac string) (guest.Report, error) {
	reasons := []string{}
	kept := report.Only(func(address netip.Addr) bool {
		why := s.wrong(address)
		if why != "" && len(reasons) < 3 {
			reasons = append(reasons, fmt.Sprintf("%s: %s", address, why))
		}
		return why == ""
	})
	if said := report.Address(mac); said != "" && kept.Address(mac) == "" {
		return guest.Report{}, impossible(strings.Join(reasons, "; "))
	}
	return kept, nil
}

func impossible(why string) error {
	return hint.Errorf("`mage console` or `mage logs` shows which addresses it has; this host needs an address on the same network. A node that you do not trust any more: `mage up recreate=<node>`",
		"it %w (%s)", ErrImpossible, why)
}

// possible is what is left of a report of addresses that the node can have.
func (n Nodes) possible(node string, report guest.Report) (guest.Report, error) {
	s, err := n.surroundings()
	if err != nil {
		return guest.Report{}, err
	}
	return s.possible(report, workspace.MAC(node))
}

// Possible is a report that was not asked for here, with only those addresses that the node can have. If there is no other the error is ErrImpossible.
func Possible(n Nodes, node string, report guest.Report) (guest.Report, error) {
	return n.possible(node, report)
}

// IsPossible reports whether a node can have the address.
func IsPossible(n Nodes, address netip.Addr) bool {
	s, err := n.surroundings()
	return err == nil && s.wrong(address) == ""
}

// Shared are the errors of nodes that say that they are where another one says that it is, by name: one of them lies.
func Shared(reports map[string]guest.Report) map[string]error {
	at := map[string][]string{}
	for node, report := range reports {
		if address := report.Address(workspace.MAC(node)); address != "" {
			at[address] = append(at[address], node)
		}
	}
	errs := map[string]error{}
	for address, nodes := range at {
		for _, node := range nodes {
			if others := without(nodes, node); len(others) > 0 {
				errs[node] = impossible(fmt.Sprintf("%s: %s says that it is there, too", address, strings.Join(others, ", ")))
			}
		}
	}
	return errs
}

// without are the other nodes, in their order.
func without(nodes []string, node string) []string {
	others := slices.DeleteFunc(slices.Clone(nodes), func(n string) bool { return n == node })
	slices.Sort(others)
	return others
}
