// Package discovery is how the members of a new etcd cluster find each other: a token that all of
// them are given, and the address of the service that knows it.
package discovery

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// The words of a config that stand for a token's parts.
const (
	WordURL       = "Etcd_Discovery_URL"       // http://10.77.0.2:23790/<id>
	WordToken     = "Etcd_Discovery_Token"     //nolint:gosec // no credential: <id>, etcd's --discovery-token
	WordEndpoints = "Etcd_Discovery_Endpoints" // http://10.77.0.2:23790, etcd's --discovery-endpoints
	WordInitial   = "Etcd_Initial_Cluster"     // core01=http://10.77.0.11:2380,…, etcd's --initial-cluster
	WordFlags     = "Etcd_Discovery_Flags"     // etcd's flags by which a member finds the others, forming or joining
	WordCA        = "Etcd_CA_Certificate"      // PEM, of the cluster's own authority: a config with it has TLS
)

// Words are all of them.
var Words = []string{WordURL, WordToken, WordEndpoints, WordInitial, WordFlags, WordCA}

// The kinds of tokens: by who knows them.
const (
	KindEmbedded  = "embedded"    // a service of the project's own, for v2 and v3
	KindEmbedded2 = "embedded-v2" // the same, for members before 3.6 alone
	KindV2        = "v2"          // a service elsewhere, of the v2 protocol
	KindV3        = "v3"          // an etcd elsewhere
	KindStatic    = "static"      // nobody: the members are known beforehand
	KindSRV       = "srv"         // DNS
)

// v2Path is where an etcd keeps the tokens of its v2 API; the embedded service does the same.
const v2Path = "/v2/keys/discovery/"

// Token is one generation of a cluster: it is used up by the members that registered with it.
type Token struct {
	Kind     string
	Endpoint string // of the service, as nodes reach it: http://10.77.0.2:23790, several with commas; the domain of srv
	ID       string // the token; of static the initial cluster
	Size     int    // how many members the cluster is formed of
	TLS      bool   // whether the members speak TLS, by certificates of the cluster's own authority
	Formed   bool   // whether the cluster has formed: nobody needs the token any more
	Retired  bool   // whether its nodes are being removed, for a new cluster
}

// IsEmbedded reports whether tokens of the kind are known to the project's own service.
func IsEmbedded(kind string) bool { return kind == KindEmbedded || kind == KindEmbedded2 }

// URL is the token as the bash script kept it, and as etcd's --discovery takes it.
func (t Token) URL() string {
	if IsEmbedded(t.Kind) {
		return t.Endpoint + v2Path + t.ID
	}
	return t.Endpoint + "/" + t.ID
}

// Values are what the words are replaced by. A word that the kind has no value for is not among them. Who knows the members beforehand
// needs nobody to form a cluster: when the first one has formed, no second one may.
func (t Token) Values() map[string]string {
	switch t.Kind {
	case KindV2, KindEmbedded2:
		return map[string]string{WordURL: t.URL(), WordFlags: "--discovery=" + t.URL()}
	case KindStatic:
		return map[string]string{WordInitial: t.ID, WordFlags: "--initial-cluster=" + t.ID + t.state()}
	case KindSRV:
		return map[string]string{WordFlags: "--discovery-srv=" + t.Endpoint + t.state()}
	}
	values := map[string]string{
		WordToken: t.ID, WordEndpoints: t.Endpoint,
		WordFlags: "--discovery-token=" + t.ID + " --discovery-endpoints=" + t.Endpoint,
	}
	if t.Kind == KindEmbedded {
		values[WordURL] = t.URL()
	}
	return values
}

// state is etcd's flag of whether there is a cluster.
func (t Token) state() string {
	if t.Formed {
		return joiningState
	}
	return " --initial-cluster-state=new"
}

// Static is of the members' addresses, in the nodes' order.
func Static(names, addresses []string, tls bool) Token {
	token := Token{Kind: KindStatic, Size: len(names), TLS: tls}
	parts := []string{}
	for i, name := range names {
		parts = append(parts, name+"="+token.Scheme()+"://"+net.JoinHostPort(addresses[i], "2380"))
	}
	token.ID = strings.Join(parts, ",")
	return token
}

// Names are what a node's member is known by, too: in a cluster of SRV records the domain, which etcd wants to see in the others'
// certificates, and the node's name there.
func (t Token) Names(node string) []string {
	if t.Kind != KindSRV {
		return nil
	}
	return []string{t.Endpoint, node + "." + t.Endpoint}
}

// Scheme is that of the members' own URLs.
func (t Token) Scheme() string {
	if t.TLS {
		return "https"
	}
	return "http"
}

// Fresh is a token for an etcd elsewhere, still to be registered there.
func Fresh(endpoints string, size int) Token {
	return Token{Kind: KindV3, Endpoint: endpoints, ID: random(), Size: size}
}

func random() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	return hex.EncodeToString(id)
}

// Joining is what WordFlags stands for in a member that joins a cluster that there is already.
func Joining(initialCluster string) string {
	return initialFlag + initialCluster + joiningState
}

const (
	initialFlag  = "--initial-cluster="
	joiningState = " --initial-cluster-state=existing"
)

// Joined is the initial cluster in flags that Joining gave.
func Joined(flags string) string {
	return strings.TrimSuffix(strings.TrimPrefix(flags, initialFlag), joiningState)
}

// New is a fresh token of the project's own service for a cluster of size members, on a port of address that is free now: several
// clusters can form at once on a host.
func New(kind string, address netip.Addr, size int) (Token, error) {
	listener, err := net.Listen("tcp", netip.AddrPortFrom(address, 0).String())
	if err != nil {
		return Token{}, hint.Errorf("discovery_listen= is an address of this host", "no port for the discovery service: %w", err)
	}
	defer func() { _ = listener.Close() }()
	return Token{Kind: kind, Endpoint: "http://" + listener.Addr().String(), ID: random(), Size: size}, nil
}

// IsFree reports whether an embedded token can be served at the address, and never was.
func (t Token) IsFree(address netip.Addr, vm, cluster string) bool {
	at, err := netip.ParseAddrPort(strings.TrimPrefix(t.Endpoint, "http://"))
	if _, used := os.Stat(Data(vm, cluster)); err != nil || used == nil || at.Addr() != address {
		return false
	}
	listener, err := net.Listen("tcp", at.String())
	if err != nil {
		return false
	}
	return listener.Close() == nil
}

// IsServedOn reports whether an embedded token is served at one of this host's addresses on the link.
func (t Token) IsServedOn(link string) bool {
	at, err := netip.ParseAddrPort(strings.TrimPrefix(t.Endpoint, "http://"))
	card, noCard := net.InterfaceByName(link)
	if err != nil || noCard != nil {
		return false
	}
	own, _ := card.Addrs()
	return slices.ContainsFunc(own, func(a net.Addr) bool {
		prefix, err := netip.ParsePrefix(a.String())
		return err == nil && prefix.Addr() == at.Addr()
	})
}

// file is where the cluster's token stands: its URL, where the script kept it, and its size below.
func file(vm, cluster string) string { return filepath.Join(vm, "discovery.url."+cluster) }

// Data is the folder of what the service knows of the token.
func Data(vm, cluster string) string { return filepath.Join(vm, "discovery."+cluster) }

// Write keeps the token for the cluster, in place of an earlier one and what the service knew of that.
func (t Token) Write(vm, cluster string) error {
	if err := os.RemoveAll(Data(vm, cluster)); err != nil {
		return err
	}
	return t.Mark(vm, cluster)
}

// Mark keeps what has become of the token.
func (t Token) Mark(vm, cluster string) error {
	text := fmt.Appendf(nil, "%s\nsize=%d\nkind=%s\ntls=%t\nformed=%t\nretired=%t\n", t.URL(), t.Size, t.Kind, t.TLS, t.Formed, t.Retired)
	return artifact.Write(file(vm, cluster), text, 0o644)
}

// Forget removes the token of a cluster that is gone, and what the service knew of it.
func Forget(vm, cluster string) error {
	return errors.Join(os.RemoveAll(Data(vm, cluster)), os.RemoveAll(file(vm, cluster)))
}

// Read gives the cluster's token, and whether there is one.
func Read(vm, cluster string) (Token, bool, error) {
	path := file(vm, cluster)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Token{}, false, nil
	}
	if err != nil {
		return Token{}, false, fmt.Errorf("cannot read the discovery token: %w", err)
	}
	token, err := parse(string(text))
	if err != nil {
		return Token{}, false, hint.Errorf("remove the file, if no node of the cluster lives: a new token is then made", "%s: %w", path, err)
	}
	return token, true, nil
}

func parse(text string) (Token, error) {
	lines := append(strings.Split(strings.TrimSpace(text), "\n"), "", "", "") // older tokens have fewer
	first, second, third := lines[0], lines[1], lines[2]
	size, err := strconv.Atoi(strings.TrimPrefix(second, "size="))
	if err != nil || size < 1 {
		return Token{}, fmt.Errorf("the second line is not size=N: %q", second)
	}
	token := Token{
		Kind: strings.TrimPrefix(third, "kind="), Size: size,
		TLS: slices.Contains(lines, "tls=true"), Formed: slices.Contains(lines, "formed=true"), Retired: slices.Contains(lines, "retired=true"),
	}
	if token.Kind == KindStatic || token.Kind == KindSRV {
		token.Endpoint, token.ID, _ = strings.Cut(first, "/")
		return token, nil
	}
	at := strings.LastIndex(first, "/")
	if at < 0 || at+1 == len(first) || !areURLs(first[:at]) {
		return Token{}, fmt.Errorf("the first line is not a discovery URL: %q", first)
	}
	token.Endpoint, token.ID = first[:at], first[at+1:]
	if token.Kind == "" {
		token.Kind = KindEmbedded
	}
	if IsEmbedded(token.Kind) {
		token.Endpoint = strings.TrimSuffix(token.Endpoint+"/", v2Path)
	}
	return token, nil
}

// areURLs reports whether the text is one URL, or several with commas.
func areURLs(text string) bool {
	for _, one := range strings.Split(text, ",") {
		if u, err := url.Parse(one); err != nil || u.Scheme == "" || u.Host == "" {
			return false
		}
	}
	return true
}

// BridgeAddress is the host's address on the bridge, by which nodes reach it: the first global IPv4
// one, or if there is none the first global IPv6 one.
func BridgeAddress(bridge string) (netip.Addr, error) {
	link, err := net.InterfaceByName(bridge)
	if err != nil {
		return netip.Addr{}, hint.Errorf("`mage host:setup` shows how to make it; bridge= names another one", "bridge=%s: there is no such interface on this host", bridge)
	}
	addresses, err := link.Addrs()
	if err != nil {
		return netip.Addr{}, fmt.Errorf("bridge=%s: %w", bridge, err)
	}
	var best netip.Addr
	for _, a := range addresses {
		prefix, err := netip.ParsePrefix(a.String())
		if err == nil && prefix.Addr().IsGlobalUnicast() && (!best.IsValid() || prefix.Addr().Is4() && !best.Is4()) {
			best = prefix.Addr()
		}
	}
	if !best.IsValid() {
		return best, hint.Errorf("the nodes' etcd must reach this host: give the bridge an address (`ip address show "+bridge+"`)", "bridge=%s: this host has no address on it", bridge)
	}
	return best, nil
}
