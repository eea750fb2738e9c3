package etcd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"coreos-libvirt/internal/etcd/wire"
	"coreos-libvirt/internal/program/line"
	"coreos-libvirt/internal/terminal/hint"
)

// Peers are the members of a cluster.
type Peers []Peer

// printable are the members as they may be shown. A name or a URL that is none stays so, in quotes.
func (p Peers) printable() Peers {
	shown := slices.Clone(p)
	for i := range shown {
		one := &shown[i]
		if one.Name != "" && !wire.IsName(one.Name) {
			one.Name = quoted(one.Name)
		}
		one.URLs, one.Clients = shownURLs(one.URLs), shownURLs(one.Clients)
	}
	return shown
}

func shownURLs(urls []string) []string {
	shown := slices.Clone(urls)
	for i, text := range shown {
		if _, err := wire.ParseURL(text); err != nil {
			shown[i] = quoted(text)
		}
	}
	return shown
}

func quoted(text string) string { return fmt.Sprintf("%+.100q", text) }

// Of is a node's member: of its name or, as an etcd may have another one, at the host that it is at.
func (p Peers) Of(name, host string) (Peer, bool) {
	for _, peer := range p {
		if peer.Name == name {
			return peer, true
		}
	}
	if host == "" {
		return Peer{}, false
	}
	return p.At(host)
}

// Voters are the members that have a vote and have started once.
func (p Peers) Voters() Peers {
	return slices.DeleteFunc(slices.Clone(p), func(peer Peer) bool { return peer.Learner || peer.Name == "" })
}

// Without are the members but one.
func (p Peers) Without(one Peer) Peers {
	return slices.DeleteFunc(slices.Clone(p), func(peer Peer) bool { return peer.ID == one.ID })
}

// At is the member whose peer URL is at the host.
func (p Peers) At(host string) (Peer, bool) {
	for _, peer := range p {
		if slices.ContainsFunc(peer.URLs, func(url string) bool { return host != "" && HostOf(url) == host }) {
			return peer, true
		}
	}
	return Peer{}, false
}

// HostOf is the address, or the name, of a member's URL as it is usually written; empty if it is not such a URL.
func HostOf(text string) string {
	u, err := wire.ParseURL(text)
	if err != nil {
		return ""
	}
	if address := u.Addr(); address.IsValid() {
		return address.String()
	}
	return u.Host
}

// IsAtAddress reports whether a member's URL names an address, and not a host that DNS knows.
func IsAtAddress(text string) bool {
	u, err := wire.ParseURL(text)
	return err == nil && u.Addr().IsValid()
}

// URLAt is what the peer URL of a member at the host would be, after the others' example.
func (p Peers) URLAt(host string) (string, error) {
	for _, peer := range p {
		for _, address := range peer.URLs {
			if u, err := wire.ParseURL(address); err == nil {
				return u.Scheme + "://" + net.JoinHostPort(host, strconv.Itoa(int(u.Port))), nil
			}
		}
	}
	return "", errors.New("no member says its peer URL")
}

// InitialCluster is etcd's --initial-cluster for a member of that name and peer URL that joins. What members say of themselves
// becomes a line of a unit on that member's node: an error says who says what can be none.
func (p Peers) InitialCluster(name, address string) (string, error) {
	parts := []string{}
	for _, peer := range append(Peers{{Name: name, URLs: []string{address}}}, p...) {
		if err := peer.Check(); err != nil {
			return "", hint.Errorf("mage etcd remove="+cmp.Or(peer.ID, "<id>")+" takes a member out that is not a node's", "etcd: the member %s: %w", peer.ID, err)
		}
		for _, url := range peer.URLs {
			if peer.Name != "" && (peer.Name != name || len(parts) == 0) {
				parts = append(parts, peer.Name+"="+url)
			}
		}
	}
	return strings.Join(parts, ","), nil
}

// Peers asks the cluster for its members.
func (h Helper) Peers(ctx context.Context, endpoints []string) (peers Peers, err error) {
	err = h.change(ctx, endpoints, wire.List, nil, &peers)
	return peers.printable(), err
}

// Backup writes a snapshot of the member at the endpoint to a file: its digest is checked, and it can be opened.
func (h Helper) Backup(ctx context.Context, endpoint, path string) (saved Snapshot, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return saved, err
	}
	err = h.change(ctx, []string{endpoint}, wire.Backup, wire.File{Path: path}, &saved)
	return saved, err
}

// Restore puts only the keys of a snapshot into a cluster that has no others.
func (h Helper) Restore(ctx context.Context, endpoints []string, path string) (restored Restored, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return restored, err
	}
	err = h.change(ctx, endpoints, wire.Restore, wire.File{Path: path}, &restored)
	return restored, err
}

// Register puts a fresh discovery token for a cluster of that size into the etcd that serves discovery.
func (h Helper) Register(ctx context.Context, endpoints []string, token string, size int) error {
	return h.change(ctx, endpoints, wire.Register, wire.Token{ID: token, Size: size}, nil)
}

// Add adds a learner with that peer URL.
func (h Helper) Add(ctx context.Context, endpoints []string, peerURL string) error {
	return h.change(ctx, endpoints, wire.Add, wire.PeerURL{URL: peerURL}, nil)
}

// Remove removes the member of that id.
func (h Helper) Remove(ctx context.Context, endpoints []string, id string) error {
	return h.change(ctx, endpoints, wire.Remove, wire.MemberID{ID: id}, nil)
}

// Promote gives a learner a vote. Etcd refuses until it has caught up.
func (h Helper) Promote(ctx context.Context, endpoints []string, id string) error {
	return h.change(ctx, endpoints, wire.Promote, wire.MemberID{ID: id}, nil)
}

// Lead passes the lead from the member at the endpoint to the one of that id.
func (h Helper) Lead(ctx context.Context, leader, id string) error {
	return h.change(ctx, []string{leader}, wire.Lead, wire.MemberID{ID: id}, nil)
}

// change asks the members at the endpoints for something. Its one result goes into result; nil if it has none.
func (h Helper) change(ctx context.Context, endpoints []string, verb string, args, result any) error {
	err := h.ask(ctx, verb, endpoints, args, func(text json.RawMessage) error { return line.Decode(text, result) })
	if err != nil {
		return hint.Add(fmt.Errorf("etcd: %s: %w", verb, err), "`mage etcd` shows the members")
	}
	return nil
}
