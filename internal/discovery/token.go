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
	"strconv"
	"strings"

	"coreos-libvirt/internal/artifact"
	"coreos-libvirt/internal/hint"
)

// The words of a config that stand for a token's parts.
const (
	WordURL       = "Etcd_Discovery_URL"       // http://10.77.0.2:23790/<id>
	WordToken     = "Etcd_Discovery_Token"     //nolint:gosec // no credential: <id>, etcd's --discovery-token
	WordEndpoints = "Etcd_Discovery_Endpoints" // http://10.77.0.2:23790, etcd's --discovery-endpoints
	WordFlags     = "Etcd_Discovery_Flags"     // etcd's flags by which a member finds the others, forming or joining
)

// Words are all of them.
var Words = []string{WordURL, WordToken, WordEndpoints, WordFlags}

// Token is one generation of a cluster: it is used up by the members that registered with it.
type Token struct {
	Endpoint string // of the service, as nodes reach it: http://10.77.0.2:23790
	ID       string
	Size     int // how many members the cluster is formed of
}

// URL is the token as the bash script kept it, and as etcd's --discovery took it.
func (t Token) URL() string { return t.Endpoint + "/" + t.ID }

// Values are what the words are replaced by.
func (t Token) Values() map[string]string {
	return map[string]string{
		WordURL: t.URL(), WordToken: t.ID, WordEndpoints: t.Endpoint,
		WordFlags: "--discovery-token=" + t.ID + " --discovery-endpoints=" + t.Endpoint,
	}
}

// Joining is what WordFlags stands for in a member that joins a cluster that there is already.
func Joining(initialCluster string) string {
	return "--initial-cluster=" + initialCluster + " --initial-cluster-state=existing"
}

// New is a fresh token for a cluster of size members, on a port of address that is free now: several
// clusters can form at once on a host.
func New(address netip.Addr, size int) (Token, error) {
	listener, err := net.Listen("tcp", netip.AddrPortFrom(address, 0).String())
	if err != nil {
		return Token{}, fmt.Errorf("no port for the discovery service: %w", err)
	}
	defer func() { _ = listener.Close() }()
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	return Token{Endpoint: "http://" + listener.Addr().String(), ID: hex.EncodeToString(id), Size: size}, nil
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
	return artifact.Write(file(vm, cluster), fmt.Appendf(nil, "%s\nsize=%d\n", t.URL(), t.Size), 0o644)
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
	first, second, _ := strings.Cut(strings.TrimSpace(text), "\n")
	u, err := url.Parse(first)
	if err != nil || u.Scheme == "" || u.Host == "" || len(u.Path) < 2 {
		return Token{}, fmt.Errorf("the first line is no discovery URL: %q", first)
	}
	size, err := strconv.Atoi(strings.TrimPrefix(second, "size="))
	if err != nil || size < 1 {
		return Token{}, fmt.Errorf("the second line is no size=N: %q", second)
	}
	return Token{Endpoint: u.Scheme + "://" + u.Host, ID: u.Path[1:], Size: size}, nil
}

// BridgeAddress is the host's address on the bridge, by which nodes reach it: the first global IPv4
// one, or where there is none the first global IPv6 one.
func BridgeAddress(bridge string) (netip.Addr, error) {
	link, err := net.InterfaceByName(bridge)
	if err != nil {
		return netip.Addr{}, hint.Errorf("bridge= names another one", "bridge=%s: there is no such interface on this host", bridge)
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
