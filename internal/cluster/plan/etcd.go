package plan

import (
	"fmt"
	"slices"
	"strings"

	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/terminal/hint"
)

// Etcd is what is known of the cluster's etcd.
type Etcd struct {
	Exists   bool // there is one, or will be one
	TLS      bool
	Embedded bool // its members find each other by a service of this project's
	Formed   bool // it was healthy once
	Retired  bool // a run has begun to recreate all nodes, and has not ended

	Asked  bool        // whether its members were asked; where they were not nothing is decided by them
	Status etcd.Status // what they answered
}

// EtcdOf is what the token says; nil if there is none.
func EtcdOf(token *discovery.Token) Etcd {
	if token == nil {
		return Etcd{}
	}
	return Etcd{Exists: true, TLS: token.TLS, Embedded: discovery.IsEmbedded(token.Kind), Formed: token.Formed, Retired: token.Retired}
}

// Addresses are the nodes' last addresses, by name; empty if a node has never said where it is.
type Addresses map[string]string

// addressesOf are those of all nodes that there are or shall be.
func addressesOf(have map[string]Found) Addresses {
	all := Addresses{}
	for name, found := range have {
		all[name] = found.LastAddress
	}
	return all
}

// MemberOf is the node's member, by its name or its last address. If it has none, but some members are nobody's, one of
// them may be it: that is an error, as what is not known is not removed.
func (a Addresses) MemberOf(peers etcd.Peers, node string) (etcd.Peer, bool, error) {
	if peer, ok := peers.Of(node, a[node]); ok {
		return peer, true, nil
	}
	nobodys := []string{}
	for _, peer := range peers.Voters() {
		if !a.has(peer) {
			nobodys = append(nobodys, fmt.Sprintf("%s at %s", peer.Name, strings.Join(peer.URLs, ",")))
		}
	}
	if len(nobodys) > 0 {
		return etcd.Peer{}, false, hint.Errorf("start etcd with --name=Node_Name; `mage etcd` shows the members",
			"cannot work out which of etcd's members is this node's: no node is known to be %s", strings.Join(nobodys, ", "))
	}
	return etcd.Peer{}, false, nil
}

// has reports whether the member is that of one of the nodes.
func (a Addresses) has(peer etcd.Peer) bool {
	for name, address := range a {
		if _, is := (etcd.Peers{peer}).Of(name, address); is {
			return true
		}
	}
	return false
}

// CheckJoins refuses a node whose config does not have the word by which a member joins.
func CheckJoins(has bool) error {
	if has {
		return nil
	}
	return hint.Errorf("start etcd with "+discovery.WordFlags+", as ignition/files/etcd.sh does",
		"the config does not say how a member joins an etcd that there is: the word %s is missing", discovery.WordFlags)
}

// NeverFormed reports whether the cluster's etcd has surely no data: no run that booted a node came to its end.
func (e Etcd) NeverFormed(have map[string]Found) bool {
	for _, found := range have {
		if found.Defined && !found.Fresh && found.Domain.Metadata.IsMember() || !found.Unknown.None() {
			return false
		}
	}
	return !e.Formed
}

// Taking are the steps of these actions.
func Taking(steps []Step, actions ...Action) (found []Step) {
	for _, step := range steps {
		if slices.Contains(actions, step.Action) {
			found = append(found, step)
		}
	}
	return found
}
