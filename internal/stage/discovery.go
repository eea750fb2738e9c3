package stage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"coreos-libvirt/internal/discovery"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/hint"
	"coreos-libvirt/internal/render"
)

// Discovery makes sure of a token for the cluster's etcd, if the config asks for one. A token lives as
// long as the cluster: nodes that were made with it find each other by no other.
func (r *Run) Discovery(ctx context.Context) error {
	if err := r.lockUnlessReadOnly(ctx); err != nil {
		return err
	}
	used, err := r.uses(discovery.Words...)
	if err := errors.Join(err, r.checkDiscoveryAccess()); err != nil {
		return err
	}
	if !used {
		r.log.Say("discovery: the config does not ask for it")
		return nil
	}
	token, err := r.keepOrMakeToken(ctx)
	if err != nil && r.preview {
		r.unserved()
		return nil
	}
	if err != nil {
		return err
	}
	r.token = &token
	r.words, err = r.wordsOf(token)
	return err
}

// wordsOf are the words that the token stands for, with what nodes need to reach a service that asks who
// they are, and the certificate of the cluster's own authority.
func (r *Run) wordsOf(token discovery.Token) (render.Words, error) {
	words := render.Words(token.Values())
	if token.Kind == discovery.KindV3 {
		words[discovery.WordFlags] += r.discoveryFlags()
	}
	if !token.TLS {
		return words, nil
	}
	certificate, err := r.authority().Certificate()
	words[discovery.WordCA] = string(certificate)
	return words, err
}

// unserved leaves the words of discovery as they are: who only looks at documents needs no bridge.
// Such documents are not written.
func (r *Run) unserved() {
	r.words = render.Words{}
	for _, word := range discovery.Words {
		r.words[word] = word
	}
}

// uses tells whether one of the words stands in the config or in a node's overlay.
func (r *Run) uses(words ...string) (bool, error) {
	docs := [][]byte{r.template.JSON}
	for _, overlay := range r.overlays {
		docs = append(docs, overlay.JSON)
	}
	for _, doc := range docs {
		if used, err := render.Uses(doc, words...); err != nil || len(used) > 0 {
			return len(used) > 0, err
		}
	}
	return false, nil
}

// errNoToken is a look at what would be, before there is a token.
var errNoToken = errors.New("there is no discovery token yet")

func (r *Run) keepOrMakeToken(ctx context.Context) (discovery.Token, error) {
	token, found, err := discovery.Read(r.vm(), r.Prefix)
	if err != nil {
		return token, err
	}
	tls, err := r.uses(discovery.WordCA)
	if err != nil {
		return token, err
	}
	fits, kept := token.Size == r.Nodes && r.isWay(token) && token.TLS == tls, r.Recreate != "all" && !r.Renew
	if found && kept && r.anyOverlay() && token.TLS != tls {
		return token, hint.Errorf("recreate=all makes a new cluster", "%s: the word %s says whether etcd's members speak TLS, and this cluster was made otherwise", r.configPath(), discovery.WordCA)
	}
	if found && (fits || r.anyOverlay()) && kept {
		r.log.Say("discovery: the token of this cluster of %d is kept, %s", token.Size, token.URL())
		return token, nil
	}
	if r.readOnly {
		return token, errNoToken
	}
	if token, err = r.newToken(ctx, tls); err != nil {
		return token, err
	}
	if err := errors.Join(r.forgetJoining(), os.RemoveAll(r.authority().Dir)); err != nil {
		return token, err
	}
	r.log.Say("discovery: %s", describeToken(token))
	return token, token.Write(r.vm(), r.Prefix)
}

// isWay tells whether the token is of the way that discovery= says.
func (r *Run) isWay(t discovery.Token) bool {
	switch way := r.Settings.Discovery; t.Kind {
	case discovery.KindEmbedded, discovery.KindStatic:
		return way == t.Kind
	case discovery.KindSRV:
		return way == "srv:"+t.Endpoint
	default:
		return strings.HasPrefix(t.URL(), strings.TrimSuffix(way, "/"))
	}
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
	case way == discovery.KindEmbedded:
		address, err := r.discoveryAddress()
		if err != nil {
			return discovery.Token{}, err
		}
		return discovery.New(address, r.Nodes)
	case way == discovery.KindStatic:
		return r.staticToken(ctx, tls)
	case isSRV:
		return discovery.Token{Kind: discovery.KindSRV, Endpoint: domain, Size: r.Nodes}, nil
	}
	return r.tokenOf(ctx, way)
}

// tokenOf is of URLs: etcd endpoints, a ready token, or a v2 service.
func (r *Run) tokenOf(ctx context.Context, urls string) (discovery.Token, error) {
	first, err := url.Parse(strings.Split(urls, ",")[0])
	if err != nil || first.Host == "" || first.Scheme != "http" && first.Scheme != "https" {
		return discovery.Token{}, hint.Errorf("embedded, static, srv:<domain>, https://disc1:2379,https://disc2:2379 or https://discovery.etcd.io are",
			"discovery=%s: this is no way of discovery", urls)
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
	ctx, cancel := context.WithTimeout(ctx, sshPatience)
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
		found, err := net.DefaultResolver.LookupHost(ctx, name)
		if err != nil {
			return discovery.Token{}, hint.Errorf("addresses=10.0.0.11,10.0.0.12,… names them", "discovery=static: %s has no address: %w", name, err)
		}
		addresses = append(addresses, found[0])
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

// discoveryAddress is where the nodes reach the embedded service.
func (r *Run) discoveryAddress() (netip.Addr, error) {
	if r.DiscoveryListen == "" {
		bridge, err := r.hostBridge()
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

// forgetJoining forgets by what flags nodes joined an earlier generation of the cluster.
func (r *Run) forgetJoining() error {
	for _, node := range r.members() {
		if err := os.Remove(r.joiningFile(node)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// anyOverlay tells whether a node of the cluster has been made.
func (r *Run) anyOverlay() bool {
	found, _ := filepath.Glob(r.vm(r.Prefix+"[0-9]*", r.Prefix+"[0-9]*.qcow2"))
	return len(found) > 0
}

// helper is the program that carries etcd's modules.
func (r *Run) helper() etcd.Helper { return etcd.NewHelper(r.Workspace, filepath.Join(r.Cache, "bin")) }

// discoveryCredentials are what this host shows to an etcd elsewhere that serves discovery.
func (r *Run) discoveryCredentials() etcd.Credentials {
	user, password, _ := strings.Cut(r.DiscoveryUser, ":")
	return etcd.Credentials{CA: r.DiscoveryCA, Cert: r.DiscoveryCert, Key: r.DiscoveryKey, User: user, Password: password}
}

// serveDiscovery serves the cluster's token while the nodes look for each other.
func (r *Run) serveDiscovery(ctx context.Context) (*etcd.Server, error) {
	if r.token == nil || r.token.Kind != discovery.KindEmbedded {
		return nil, nil
	}
	if _, err := r.helper().Build(ctx, r.log.Say); err != nil {
		return nil, err
	}
	return r.helper().Serve(ctx, r.token.Endpoint, discovery.Data(r.vm(), r.Prefix), r.token.ID, r.token.Size)
}
