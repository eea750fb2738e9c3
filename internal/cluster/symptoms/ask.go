package symptoms

import (
	"context"
	_ "embed"
	"slices"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/etcdunit"
	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/workspace/wait"
)

//go:embed ask.sh
var script string

// Find is what is wrong with the members of the nodes, of whose etcd that is the status. Members that are healthy are asked
// for their clock only; the nodes of the others are asked by ssh, all at once. None is waited for longer than within.
func Find(ctx context.Context, v members.View, nodes []boot.Node, status etcd.Status, within time.Duration, command Command) []Symptom {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	all := make([]Member, len(nodes))
	_ = wait.Each(len(nodes), func(i int) error {
		m := Member{Node: nodes[i].Step.Node.Name, Addresses: members.AddressesIn(nodes[i].Report)}
		endpoint := v.ClientURL(nodes[i].Address())
		if at := slices.IndexFunc(status.Members, func(m etcd.Member) bool { return m.Endpoint == endpoint }); at >= 0 {
			m.Said = status.Members[at]
		}
		m.Peer = peerOf(status.Peers, m)
		if !m.Said.Healthy { // it may not answer at all
			m.ask(ctx, v.SSH, nodes[i])
		}
		if !m.Clock.Known {
			m.Clock = v.Client().Clock(ctx, endpoint)
		}
		all[i] = m
		return nil
	})
	forgetPeers(all)
	found := thisMachine(all)
	for _, m := range all {
		found = append(found, m.Of(command)...)
	}
	return found
}

// peerOf is the member as its cluster knows it: by its id, or else by the name of its node.
func peerOf(peers etcd.Peers, m Member) (peer etcd.Peer) {
	for _, is := range []func(etcd.Peer) bool{
		func(p etcd.Peer) bool { return m.Said.ID != "" && p.ID == m.Said.ID },
		func(p etcd.Peer) bool { return p.Name == m.Node },
	} {
		if i := slices.IndexFunc(peers, is); i >= 0 {
			return peers[i]
		}
	}
	return peer
}

// ask asks the node how its etcd is, and what time it is.
func (m *Member) ask(ctx context.Context, by members.SSH, node boot.Node) {
	place, err := etcdunit.Configured(ctx, by, node)
	if err != nil {
		return // what is not known is not said: the member's own error stands
	}
	asked := time.Now()
	out, err := etcdunit.Run(ctx, by, node, nil, "ask", script, place.Unit, place.Data)
	if err != nil {
		return
	}
	s := read(place.Unit, out)
	m.State = &s
	if !s.Now.IsZero() {
		m.Clock = etcd.ClockOf(s.Now, asked, time.Now())
	}
}
