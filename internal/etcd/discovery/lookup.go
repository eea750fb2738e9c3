package discovery

import (
	"context"
	"net"
	"net/netip"
	"regexp"

	"coreos-libvirt/internal/terminal/hint"
)

// domainForm is what etcd's flag --discovery-srv takes without quotes, and DNS at all (RFC 1123, 2.1).
var domainForm = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?)+$`)

// CheckDomain is an error if the text cannot be a domain of DNS.
func CheckDomain(domain string) error {
	if len(domain) <= 253 && domainForm.MatchString(domain) {
		return nil
	}
	return hint.Errorf("discovery=srv:example.org", "discovery=srv:%s: this is not a domain", domain)
}

// Members is how many members the domain's SRV records name (https://etcd.io/docs/v3.6/op-guide/clustering/#dns-discovery), as this
// host's resolver says. The service etcd-server-ssl is that of members that speak TLS.
func Members(ctx context.Context, domain string, tls bool) (int, error) {
	service := "etcd-server"
	if tls {
		service += "-ssl"
	}
	_, records, err := net.DefaultResolver.LookupSRV(ctx, service, "tcp", domain)
	return len(records), err
}

// AddressOf is the address of a node's name, as this host's resolver says.
func AddressOf(ctx context.Context, name string) (netip.Addr, error) {
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	if err != nil {
		return netip.Addr{}, hint.Errorf("addresses=10.0.0.11,10.0.0.12,… names them", "discovery=static: %s has no address: %w", name, err)
	}
	address, ok := reachableAddress(found)
	if !ok {
		return address, hint.Errorf("addresses=10.0.0.11,10.0.0.12,… names them; see /etc/hosts", "discovery=static: %s is %s, which no other node can reach", name, found[0])
	}
	return address, nil
}

// reachableAddress is the one of a node's addresses by which others reach it: IPv4 where there is such a one.
func reachableAddress(found []netip.Addr) (best netip.Addr, ok bool) {
	for _, a := range found {
		if a = a.Unmap(); a.IsGlobalUnicast() && (!best.IsValid() || a.Is4() && !best.Is4()) {
			best = a
		}
	}
	return best, best.IsValid()
}
