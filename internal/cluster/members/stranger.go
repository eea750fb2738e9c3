package members

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/cluster/reach"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// CheckStrangers is an error if etcd has a member that is not a node's: whoever it is reads and writes all that the cluster
// keeps. The status begins with the nodes' members, in the nodes' order.
func (v View) CheckStrangers(nodes []boot.Node, status etcd.Status) error {
	lines, first := []string{}, ""
	for _, peer := range status.Peers {
		if !v.isNodes(peer, nodes, status) {
			lines = append(lines, fmt.Sprintf("\n    %s: %s", peer.ID, whereabouts(peer)))
			first = cmp.Or(first, peer.ID)
		}
	}
	if first == "" {
		return nil
	}
	return hint.Errorf(removal(v.Options.Prefix, first)+" takes it out of etcd; what it has read or written is for you to judge",
		"etcd has members that are of no node of the cluster %s:%s", v.Options.Prefix, strings.Join(lines, ""))
}

// Look is what is wrong with etcd for a run that only looks: strangers among its members, and alarms. The members are asked where the nodes that run were
// last: it gives these nodes, and what was said. If none answers, nothing is known, and that is not an error.
func Look(ctx context.Context, v View) (nodes []boot.Node, status etcd.Status, err error) {
	for _, d := range v.running(v.Domains) {
		report, known := v.Reach.Kept(d.Name)
		if known {
			nodes = append(nodes, boot.Node{Step: plan.Step{Node: v.Reach.Node(v.Options.Prefix, d.Metadata.Number)}, Report: report})
		}
	}
	if v.Generation.Token == nil || len(nodes) == 0 {
		return nil, status, nil
	}
	status = glance(ctx, v.Client(), v.endpoints(nodes))
	return nodes, status, errors.Join(v.CheckStrangers(nodes, status), status.CheckAlarms())
}

// removal is the command that takes a member out.
func removal(prefix, id string) string { return "mage etcd prefix=" + prefix + " remove=" + id }

func whereabouts(peer etcd.Peer) string {
	name, urls := peer.Name, strings.Join(peer.URLs, ",")
	if name == "" {
		name = "a member that has not started"
	}
	if urls == "" {
		urls = "no address"
	}
	return name + " at " + urls
}

// isNodes reports whether the member is a node's: the one that answers at the node, one whose peer URLs are all at it, or of its
// name where none of that can be told. A name alone is anybody's.
func (v View) isNodes(peer etcd.Peer, nodes []boot.Node, status etcd.Status) bool {
	for i := range nodes {
		if i < len(status.Members) && status.Members[i].Healthy && status.Members[i].ID == peer.ID {
			return true
		}
	}
	for name, addresses := range addressesOf(v, nodes) {
		at := func(url string) bool { return slices.Contains(addresses, etcd.HostOf(url)) }
		elsewhere := func(url string) bool { return !at(url) }
		named := len(addresses) == 0 || !slices.ContainsFunc(peer.URLs, etcd.IsAtAddress)
		if len(peer.URLs) > 0 && !slices.ContainsFunc(peer.URLs, elsewhere) || named && peer.Name == name {
			return true
		}
	}
	return false
}

// addressesOf are those of each node that there is or shall be, by name, as it says now or said last, or as it was made to join at; none
// if nobody knows.
func addressesOf(v View, nodes []boot.Node) map[string][]string {
	all := map[string][]string{}
	for _, node := range v.Options.Nodes {
		all[node.Name] = lastAddresses(v.Reach, node)
	}
	for _, d := range v.Reach.Members(v.Domains, v.Options.Prefix) {
		all[d.Name] = lastAddresses(v.Reach, v.Reach.NodeOf(d.Metadata))
	}
	for _, n := range nodes {
		all[n.Step.Node.Name] = append(AddressesIn(n.Report), all[n.Step.Node.Name]...)
	}
	return all
}

func lastAddresses(nodes reach.Nodes, node workspace.Node) []string {
	report, _ := nodes.Kept(node.Name)
	all := AddressesIn(report)
	if address := generation.JoinsAt(node); len(all) == 0 && address != "" {
		all = append(all, address)
	}
	return all
}

// AddressesIn are those of the node that others can reach it at, as it reports them.
func AddressesIn(report guest.Report) (all []string) {
	for _, i := range report.Interfaces {
		for _, a := range i.Addresses {
			if a.Scope == "global" {
				all = append(all, a.Local)
			}
		}
	}
	return all
}

// RemoveStranger takes a member out of etcd that is not a node's.
func (v View) RemoveStranger(ctx context.Context, nodes []boot.Node, id string) error {
	status, err := v.StatusOf(ctx, nodes)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(status.Peers, func(p etcd.Peer) bool { return p.ID == id })
	switch {
	case at < 0:
		return hint.Errorf("`mage etcd prefix="+v.Options.Prefix+"` shows the members", "remove=%s: etcd of the cluster %s has no such member", id, v.Options.Prefix)
	case v.isNodes(status.Peers[at], nodes, status):
		return hint.Errorf(fmt.Sprintf("`mage up prefix=%s` with a smaller number of nodes removes nodes, with their members", v.Options.Prefix),
			"remove=%s: this is the member of a node, %s", id, whereabouts(status.Peers[at]))
	case len(status.Healthy()) == 0:
		return errors.Join(errors.New("remove="+id+": no member of etcd is healthy"), status.Check(1))
	}
	others := slices.DeleteFunc(status.Healthy(), func(m etcd.Member) bool { return m.ID == id })
	if err := v.voters(Endpoints(others)).RemoveMember(ctx, status, status.Peers[at]); err != nil {
		return err
	}
	v.Log.Say("etcd: the member %s is taken out, %s", id, whereabouts(status.Peers[at]))
	return nil
}
