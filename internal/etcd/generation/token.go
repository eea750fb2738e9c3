package generation

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"coreos-libvirt/internal/config/render"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/terminal/hint"
)

// registerPatience is how long an etcd elsewhere may take to know a new token.
const registerPatience = 20 * time.Second

// isWay reports whether the token is of the way that discovery= says.
func (o Options) isWay(t discovery.Token) bool {
	switch t.Kind {
	case discovery.KindEmbedded, discovery.KindEmbedded2, discovery.KindStatic:
		return o.Way == t.Kind
	case discovery.KindSRV:
		return o.Way == "srv:"+t.Endpoint
	default:
		return strings.HasPrefix(t.URL(), strings.TrimSuffix(o.Way, "/"))
	}
}

// Later are the words that the token will have values for, as their own values: those of the token that
// the nodes were made with or, before there are nodes, of the way that discovery= says.
func Later(o Options) render.Words { return wordsOf(o.kinds()...) }

func wordsOf(kinds ...string) render.Words {
	words := render.Words{discovery.WordCA: discovery.WordCA}
	for _, kind := range kinds {
		for word := range (discovery.Token{Kind: kind}).Values() {
			words[word] = word
		}
	}
	return words
}

// kinds are the kinds of token that there may be: which one a service elsewhere has, only that service knows.
func (o Options) kinds() []string {
	token, found, err := discovery.Read(o.Dir, o.Prefix)
	if err == nil && found && !o.All && !token.Retired && !o.Renew && (o.HasNodes || o.isWay(token)) {
		return []string{token.Kind}
	}
	switch {
	case discovery.IsEmbedded(o.Way), o.Way == discovery.KindStatic:
		return []string{o.Way}
	case strings.HasPrefix(o.Way, "srv:"):
		return []string{discovery.KindSRV}
	}
	return []string{discovery.KindV2, discovery.KindV3}
}

// isGood reports whether a token that no node was made with is as this run would make it, and nobody has used it.
func (o Options) isGood(ctx context.Context, t discovery.Token, tls bool) bool {
	if t.Size != len(o.Nodes) || !o.isWay(t) || t.TLS != tls || t.Formed || t.Retired {
		return false
	}
	return o.ReadOnly || o.isUnused(ctx, t)
}

// isUnused asks where the token is known.
func (o Options) isUnused(ctx context.Context, t discovery.Token) bool {
	switch t.Kind {
	case discovery.KindEmbedded, discovery.KindEmbedded2:
		address, err := o.address()
		return err == nil && t.IsFree(address, o.Dir, o.Prefix)
	case discovery.KindStatic:
		now, err := o.staticToken(ctx, t.TLS)
		return err == nil && now.ID == t.ID
	case discovery.KindV2:
		_, err := discovery.URL(ctx, t.URL(), t.Size)
		return err == nil
	case discovery.KindV3:
		_, err := o.registered(ctx, t)
		return err == nil
	}
	return true
}

func describe(t discovery.Token) string {
	switch t.Kind {
	case discovery.KindStatic:
		return "static, " + t.ID
	case discovery.KindSRV:
		return "by the SRV records of " + t.Endpoint
	}
	return fmt.Sprintf("a new token for %d members, %s", t.Size, t.URL())
}

// tokenOfWay makes a token the way that discovery= says. Whatever is wrong with that way shows here, before
// any domain is started.
func (o Options) tokenOfWay(ctx context.Context, tls bool) (discovery.Token, error) {
	domain, isSRV := strings.CutPrefix(o.Way, "srv:")
	switch {
	case discovery.IsEmbedded(o.Way):
		address, err := o.address()
		if err != nil {
			return discovery.Token{}, err
		}
		return discovery.New(o.Way, address, len(o.Nodes))
	case o.Way == discovery.KindStatic:
		return o.staticToken(ctx, tls)
	case isSRV:
		if err := discovery.CheckDomain(domain); err != nil {
			return discovery.Token{}, err
		}
		warnOfRecords(ctx, o, domain, tls)
		return discovery.Token{Kind: discovery.KindSRV, Endpoint: domain, Size: len(o.Nodes)}, nil
	}
	return o.tokenOf(ctx, o.Way)
}

// recordsWithin is how long DNS may take to say how many members a domain has.
const recordsWithin = 3 * time.Second

// warnOfRecords says so if the domain does not have a record for each member: etcd forms of those that it finds there. What this host's
// resolver does not know the nodes' may know.
func warnOfRecords(ctx context.Context, o Options, domain string, tls bool) {
	ctx, cancel := context.WithTimeout(ctx, recordsWithin)
	defer cancel()
	found, err := discovery.Members(ctx, domain, tls)
	switch {
	case err != nil:
		o.Say("warning: discovery=srv:%s: this host finds no SRV records of etcd's members there: %v", domain, err)
	case found != len(o.Nodes):
		o.Say("warning: discovery=srv:%s: its SRV records name %d members, and there are %d nodes: etcd forms only if these are the same", domain, found, len(o.Nodes))
	}
}

// tryWay finds what is wrong with the way that discovery= says, as far as that can be told before there is a token.
func (o Options) tryWay(ctx context.Context, tls bool) (err error) {
	switch {
	case strings.HasPrefix(o.Way, "srv:"):
		err = discovery.CheckDomain(strings.TrimPrefix(o.Way, "srv:"))
	case !discovery.IsEmbedded(o.Way) && o.Way != discovery.KindStatic:
		_, err = firstURL(o.Way)
	case o.ReadOnly && !o.Try:
	case discovery.IsEmbedded(o.Way):
		_, err = o.address()
	default:
		_, err = o.staticToken(ctx, tls)
	}
	return err
}

// firstURL is the first of the URLs with commas.
func firstURL(urls string) (first *url.URL, err error) {
	for _, one := range strings.Split(urls, ",") {
		u, err := url.Parse(one)
		if err := errors.Join(err, discovery.CheckURLs(one)); err != nil {
			return nil, hint.Errorf("embedded, embedded-v2, static, srv:<domain>, https://disc1:2379,https://disc2:2379 or https://discovery.etcd.io are",
				"discovery=%s: this is not a way of discovery: %w", urls, err)
		}
		if first == nil {
			first = u
		}
	}
	return first, nil
}

// tokenOf is of URLs: etcd endpoints, a ready token, or a v2 service.
func (o Options) tokenOf(ctx context.Context, urls string) (discovery.Token, error) {
	first, err := firstURL(urls)
	if err != nil {
		return discovery.Token{}, err
	}
	switch {
	case strings.Trim(first.Path, "/") != "":
		return discovery.URL(ctx, urls, len(o.Nodes))
	case strings.Contains(urls, ",") || o.Access.credentials() != etcd.Credentials{} || discovery.IsEtcd(ctx, urls):
		return o.registered(ctx, discovery.Fresh(urls, len(o.Nodes)))
	}
	return discovery.Service(ctx, urls, len(o.Nodes))
}

// registered puts the token into the etcd that it is for.
func (o Options) registered(ctx context.Context, token discovery.Token) (discovery.Token, error) {
	if _, err := o.Helper.Build(ctx, o.Say); err != nil {
		return token, err
	}
	ctx, cancel := context.WithTimeout(ctx, registerPatience)
	defer cancel()
	return token, o.Helper.With(o.Access.credentials()).Register(ctx, strings.Split(token.Endpoint, ","), token.ID, token.Size)
}

// staticToken is of addresses=, or of the addresses that the nodes' names have.
func (o Options) staticToken(ctx context.Context, tls bool) (discovery.Token, error) {
	names := []string{}
	for _, node := range o.Nodes {
		names = append(names, node.Name)
	}
	addresses, err := o.nodeAddresses(ctx, names)
	if err != nil {
		return discovery.Token{}, err
	}
	if len(addresses) != len(names) {
		return discovery.Token{}, hint.Errorf("one for each node, in their order", "addresses=%s: these are %d, for %d nodes", o.Addresses, len(addresses), len(names))
	}
	for _, a := range addresses {
		if net.ParseIP(a) == nil {
			return discovery.Token{}, hint.Errorf("10.0.0.11,10.0.0.12,…", "addresses=%s: %q is not an address", o.Addresses, a)
		}
	}
	return discovery.Static(names, addresses, tls), nil
}

func (o Options) nodeAddresses(ctx context.Context, names []string) (addresses []string, err error) {
	if o.Addresses != "" {
		return strings.Split(o.Addresses, ","), nil
	}
	for _, name := range names {
		address, err := discovery.AddressOf(ctx, name)
		if err != nil {
			return nil, err
		}
		addresses = append(addresses, address.String())
	}
	return addresses, nil
}

// address is where the nodes reach the embedded service.
func (o Options) address() (netip.Addr, error) {
	if o.Listen == "" {
		bridge, err := o.Bridge()
		if err != nil {
			return netip.Addr{}, err
		}
		return discovery.BridgeAddress(bridge)
	}
	address, err := netip.ParseAddr(o.Listen)
	if err != nil {
		return address, hint.Errorf("an address of this host", "discovery_listen=%s: this is not an address", o.Listen)
	}
	if why := unreachable(address.Unmap()); why != "" {
		return address, hint.Errorf("an address of this host, at which the nodes reach it: `ip address` shows them", "discovery_listen=%s: %s", o.Listen, why)
	}
	return address, nil
}

// unreachable is why no node can be told the address; empty if it can.
func unreachable(address netip.Addr) string {
	switch {
	case address.IsUnspecified():
		return "this is every address of this host, not one that nodes can use"
	case address.IsMulticast():
		return "this is a multicast address"
	case address.Zone() != "" || address.IsLinkLocalUnicast():
		return "this is an address of one link only, which nodes cannot use"
	case address.IsLoopback():
		return "on a node this is the node itself"
	}
	return ""
}
