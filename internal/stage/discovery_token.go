package stage

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"coreos-libvirt/internal/cluster/reach"
	"coreos-libvirt/internal/config/render"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/terminal/hint"
)

// isWay tells whether the token is of the way that discovery= says.
func (r *Run) isWay(t discovery.Token) bool {
	switch way := r.Settings.Discovery; t.Kind {
	case discovery.KindEmbedded, discovery.KindEmbedded2, discovery.KindStatic:
		return way == t.Kind
	case discovery.KindSRV:
		return way == "srv:"+t.Endpoint
	default:
		return strings.HasPrefix(t.URL(), strings.TrimSuffix(way, "/"))
	}
}

// wordsToCome are the words that the token will have values for, as their own values: those of the token that
// the nodes were made with or, before there are nodes, of the way that discovery= says.
func (r *Run) wordsToCome() render.Words { return wordsOfKinds(r.kinds()...) }

func wordsOfKinds(kinds ...string) render.Words {
	words := render.Words{discovery.WordCA: discovery.WordCA}
	for _, kind := range kinds {
		for word := range (discovery.Token{Kind: kind}).Values() {
			words[word] = word
		}
	}
	return words
}

// kinds are the kinds of token that there may be: of a service elsewhere only asking it would tell.
func (r *Run) kinds() []string {
	token, found, err := discovery.Read(r.vm(), r.Prefix)
	if err == nil && found && r.Recreate != "all" && !token.Retired && !r.Renew && (r.anyOverlay() || r.isWay(token)) {
		return []string{token.Kind}
	}
	way := r.Settings.Discovery
	switch {
	case discovery.IsEmbedded(way), way == discovery.KindStatic:
		return []string{way}
	case strings.HasPrefix(way, "srv:"):
		return []string{discovery.KindSRV}
	}
	return []string{discovery.KindV2, discovery.KindV3}
}

// isGood tells whether a token that no node was made with is as this run would make it, and nobody has used it.
func (r *Run) isGood(ctx context.Context, t discovery.Token, tls bool) bool {
	if t.Size != r.Nodes || !r.isWay(t) || t.TLS != tls || t.Formed || t.Retired {
		return false
	}
	return r.readOnly || r.isUnused(ctx, t)
}

// isUnused asks where the token is known.
func (r *Run) isUnused(ctx context.Context, t discovery.Token) bool {
	switch t.Kind {
	case discovery.KindEmbedded, discovery.KindEmbedded2:
		address, err := r.discoveryAddress()
		return err == nil && t.IsFree(address, r.vm(), r.Prefix)
	case discovery.KindStatic:
		now, err := r.staticToken(ctx, t.TLS)
		return err == nil && now.ID == t.ID
	case discovery.KindV2:
		_, err := discovery.URL(ctx, t.URL(), t.Size)
		return err == nil
	case discovery.KindV3:
		_, err := r.registered(ctx, t)
		return err == nil
	}
	return true
}

func describeToken(t discovery.Token) string {
	switch t.Kind {
	case discovery.KindStatic:
		return "static, " + t.ID
	case discovery.KindSRV:
		return "by the SRV records of " + t.Endpoint
	}
	return fmt.Sprintf("a new token for %d members, %s", t.Size, t.URL())
}

// newToken makes a token the way that discovery= says. Whatever is wrong with that way shows here, before
// any domain is started.
func (r *Run) newToken(ctx context.Context, tls bool) (token discovery.Token, err error) {
	defer func() { token.TLS = tls }()
	way := r.Settings.Discovery
	domain, isSRV := strings.CutPrefix(way, "srv:")
	switch {
	case discovery.IsEmbedded(way):
		address, err := r.discoveryAddress()
		if err != nil {
			return discovery.Token{}, err
		}
		return discovery.New(way, address, r.Nodes)
	case way == discovery.KindStatic:
		return r.staticToken(ctx, tls)
	case isSRV:
		return discovery.Token{Kind: discovery.KindSRV, Endpoint: domain, Size: r.Nodes}, nil
	}
	return r.tokenOf(ctx, way)
}

// tokenOf is of URLs: etcd endpoints, a ready token, or a v2 service.
func (r *Run) tokenOf(ctx context.Context, urls string) (discovery.Token, error) {
	var first *url.URL
	for _, one := range strings.Split(urls, ",") {
		u, err := url.Parse(one)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return discovery.Token{}, hint.Errorf("embedded, embedded-v2, static, srv:<domain>, https://disc1:2379,https://disc2:2379 or https://discovery.etcd.io are",
				"discovery=%s: this is no way of discovery", urls)
		}
		if first == nil {
			first = u
		}
	}
	switch {
	case strings.Trim(first.Path, "/") != "":
		return discovery.URL(ctx, urls, r.Nodes)
	case strings.Contains(urls, ",") || r.discoveryCredentials() != etcd.Credentials{} || discovery.IsEtcd(ctx, urls):
		return r.registered(ctx, discovery.Fresh(urls, r.Nodes))
	}
	return discovery.Service(ctx, urls, r.Nodes)
}

// registered puts the token into the etcd that it is for.
func (r *Run) registered(ctx context.Context, token discovery.Token) (discovery.Token, error) {
	if _, err := r.helper().Build(ctx, r.log.Say); err != nil {
		return token, err
	}
	ctx, cancel := context.WithTimeout(ctx, reach.Patience)
	defer cancel()
	return token, r.helper().With(r.discoveryCredentials()).Register(ctx, strings.Split(token.Endpoint, ","), token.ID, token.Size)
}

// staticToken is of addresses=, or of the addresses that the nodes' names have.
func (r *Run) staticToken(ctx context.Context, tls bool) (discovery.Token, error) {
	names, addresses := []string{}, []string{}
	for _, node := range r.members() {
		names = append(names, node.Name)
	}
	if r.Addresses != "" {
		addresses = strings.Split(r.Addresses, ",")
	}
	for _, name := range names {
		if r.Addresses != "" {
			break
		}
		found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
		if err != nil {
			return discovery.Token{}, hint.Errorf("addresses=10.0.0.11,10.0.0.12,… names them", "discovery=static: %s has no address: %w", name, err)
		}
		address, ok := reachableAddress(found)
		if !ok {
			return discovery.Token{}, hint.Errorf("addresses=10.0.0.11,10.0.0.12,… names them; see /etc/hosts", "discovery=static: %s is %s, which no other node can reach", name, found[0])
		}
		addresses = append(addresses, address.String())
	}
	if len(addresses) != len(names) {
		return discovery.Token{}, hint.Errorf("one for each node, in their order", "addresses=%s: these are %d, for %d nodes", r.Addresses, len(addresses), len(names))
	}
	for _, a := range addresses {
		if net.ParseIP(a) == nil {
			return discovery.Token{}, hint.Errorf("10.0.0.11,10.0.0.12,…", "addresses=%s: %q is no address", r.Addresses, a)
		}
	}
	return discovery.Static(names, addresses, tls), nil
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

// discoveryAddress is where the nodes reach the embedded service.
func (r *Run) discoveryAddress() (netip.Addr, error) {
	if r.DiscoveryListen == "" {
		bridge, err := r.reach().HostLink()
		if err != nil {
			return netip.Addr{}, err
		}
		return discovery.BridgeAddress(bridge)
	}
	address, err := netip.ParseAddr(r.DiscoveryListen)
	if err != nil {
		return address, hint.Errorf("an address of this host", "discovery_listen=%s: this is no address", r.DiscoveryListen)
	}
	return address, nil
}
