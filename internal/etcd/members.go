package etcd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os/exec"
	"slices"
	"strings"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/printable"
)

// Peer is a member as its cluster knows it.
type Peer struct {
	ID      string   `json:"id"`      // hexadecimal
	Name    string   `json:"name"`    // empty until it has started
	URLs    []string `json:"urls"`    // http://10.77.0.101:2380
	Clients []string `json:"clients"` // http://10.77.0.101:2379
	Learner bool     `json:"learner"` // whether it has no vote yet
}

// Peers are the members of a cluster.
type Peers []Peer

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

// Has tells whether the member of that id is among them.
func (p Peers) Has(id string) bool {
	return slices.ContainsFunc(p, func(peer Peer) bool { return peer.ID == id })
}

// Without are the members but one.
func (p Peers) Without(one Peer) Peers {
	return slices.DeleteFunc(slices.Clone(p), func(peer Peer) bool { return peer.ID == one.ID })
}

// Clients are client URLs, one a member that has started.
func (p Peers) Clients() []string {
	urls := []string{}
	for _, peer := range p {
		if len(peer.Clients) > 0 {
			urls = append(urls, peer.Clients[0])
		}
	}
	return urls
}

// At is the member whose peer URL is at the host.
func (p Peers) At(host string) (Peer, bool) {
	for _, peer := range p {
		for _, address := range peer.URLs {
			if u, err := url.Parse(address); err == nil && u.Hostname() == host {
				return peer, true
			}
		}
	}
	return Peer{}, false
}

// URLAt is what the peer URL of a member at the host would be, after the others' example.
func (p Peers) URLAt(host string) (string, error) {
	for _, peer := range p {
		for _, address := range peer.URLs {
			if u, err := url.Parse(address); err == nil && u.Port() != "" {
				u.Host = net.JoinHostPort(host, u.Port())
				return u.String(), nil
			}
		}
	}
	return "", errors.New("no member tells its peer URL")
}

// InitialCluster is etcd's --initial-cluster for a member of that name and peer URL that joins.
func (p Peers) InitialCluster(name, address string) string {
	parts := []string{name + "=" + address}
	for _, peer := range p {
		for _, other := range peer.URLs {
			if peer.Name != "" && peer.Name != name {
				parts = append(parts, peer.Name+"="+other)
			}
		}
	}
	return strings.Join(parts, ",")
}

// Peers asks the cluster for its members.
func (h Helper) Peers(ctx context.Context, endpoints []string) (Peers, error) {
	out, err := h.change(ctx, endpoints, "list", "-")
	if err != nil {
		return nil, err
	}
	var peers Peers
	return peers, json.Unmarshal(out, &peers)
}

// Backup writes a snapshot of the member at the endpoint, its digest checked, to a file.
func (h Helper) Backup(ctx context.Context, endpoint, path string) error {
	_, err := h.change(ctx, []string{endpoint}, "backup", path)
	return err
}

// Restored is what a snapshot had: its keys are in the cluster now, the rest is not.
type Restored struct {
	Keys   int `json:"keys"`
	Leases int `json:"leases"`
	Users  int `json:"users"`
}

// Restore puts all keys of a snapshot into a cluster that has no others.
func (h Helper) Restore(ctx context.Context, endpoints []string, path string) (restored Restored, err error) {
	out, err := h.change(ctx, endpoints, "restore", path)
	if err != nil {
		return restored, err
	}
	return restored, json.Unmarshal(out, &restored)
}

// Register puts a fresh discovery token for a cluster of that size into the etcd that serves discovery.
func (h Helper) Register(ctx context.Context, endpoints []string, token string, size int) error {
	_, err := h.change(ctx, endpoints, "register", fmt.Sprintf("%s:%d", token, size))
	return err
}

// Add adds a learner with that peer URL.
func (h Helper) Add(ctx context.Context, endpoints []string, peerURL string) error {
	_, err := h.change(ctx, endpoints, "add", peerURL)
	return err
}

// Remove removes the member of that id.
func (h Helper) Remove(ctx context.Context, endpoints []string, id string) error {
	_, err := h.change(ctx, endpoints, "remove", id)
	return err
}

// Promote gives a learner a vote. Etcd refuses until it has caught up.
func (h Helper) Promote(ctx context.Context, endpoints []string, id string) error {
	_, err := h.change(ctx, endpoints, "promote", id)
	return err
}

// Lead passes the lead from the member at the endpoint to the one of that id.
func (h Helper) Lead(ctx context.Context, leader, id string) error {
	_, err := h.change(ctx, []string{leader}, "lead", id)
	return err
}

func (h Helper) change(ctx context.Context, endpoints []string, verb, argument string) ([]byte, error) {
	path, err := h.Build(ctx, func(string, ...any) {})
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, verb, strings.Join(endpoints, ","), argument)
	cmd.Env = h.environment()
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return nil, hint.Errorf("`mage etcd` shows the members", "etcd: %s: %w: %s", verb, err, printable.Text(complaint.String()))
	}
	return out, nil
}
