// Package etcd is what the project knows of a cluster's etcd. All that needs etcd's own modules is
// in the program helper, which is built when it is first needed, so that no other target pays for it.
//
// The program's name has the digest of all that it is built from. One process of it serves a run: the first question starts it,
// many may be open at once, and each can be cancelled. It ends when its standard input does, so none is left if the run is
// killed. If it is killed itself, the open questions end with an error, and the next one starts another process, which also
// serves discovery again.
package etcd

import (
	"cmp"
	"fmt"
	"slices"

	"coreos-libvirt/internal/etcd/wire"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/printable"
)

// Status is a cluster's etcd, as its members see it.
type Status struct {
	Members []Member // one an endpoint, in the endpoints' order; behind them the members that none of them is
	Peers   Peers    // the members as the cluster knows them; empty if no cluster answers
}

// printable is the state as it may be shown: members say what they like.
func (s Status) printable() Status {
	members := slices.Clone(s.Members)
	for i := range members {
		for _, words := range []*string{&members[i].Endpoint, &members[i].Name, &members[i].Version, &members[i].Error} {
			*words = printable.Line(*words)
		}
	}
	return Status{members, s.Peers.printable()}
}

// Answers reports whether there is a cluster, with or without a quorum: one of its members knows the others.
func (s Status) Answers() bool { return len(s.Peers) > 0 }

// Healthy are the members with a vote that are healthy and agree on one leader with the first of them.
func (s Status) Healthy() []Member {
	var healthy []Member
	for _, m := range s.Members {
		if m.Healthy && !m.Learner && (len(healthy) == 0 || m.Leader == healthy[0].Leader) {
			healthy = append(healthy, m)
		}
	}
	return healthy
}

// Check is nil where at least n members are healthy, else an error that names those that are not.
func (s Status) Check(n int) error {
	healthy := s.Healthy()
	if len(healthy) >= n {
		return nil
	}
	unwell := slices.DeleteFunc(slices.Clone(s.Members), func(m Member) bool { return slices.Contains(healthy, m) })
	return unhealthy(len(healthy), n, unwell)
}

// Unwell are the members with a vote that have started once and are not healthy, but those of the excused ids.
func (s Status) Unwell(excused ...string) []Member {
	var unwell []Member
	healthy := s.Healthy()
	for _, peer := range s.Peers {
		is := func(m Member) bool { return m.ID == peer.ID }
		if peer.Learner || peer.Name == "" || slices.Contains(excused, peer.ID) || slices.ContainsFunc(healthy, is) {
			continue
		}
		member := Member{Name: peer.Name, ID: peer.ID, Error: "it does not answer"}
		if i := slices.IndexFunc(s.Members, is); i >= 0 {
			member = s.Members[i]
		}
		unwell = append(unwell, member)
	}
	return unwell
}

// Refused is an error if no member says how it is, as etcd has users and takes this host for none of them.
func (s Status) Refused() error {
	if len(s.Healthy()) > 0 || !slices.ContainsFunc(s.Members, func(m Member) bool { return m.Refused }) {
		return nil
	}
	return unhealthy(0, len(s.Members), s.Members)
}

// CheckMembers is nil where all members that have a vote are healthy, but those of the excused ids.
func (s Status) CheckMembers(excused ...string) error {
	unwell := s.Unwell(excused...)
	if len(unwell) == 0 {
		return nil
	}
	voters := s.Peers.Voters()
	return unhealthy(len(voters)-len(s.Unwell()), len(voters), unwell)
}

// Whole is nil where the cluster is as it must be: all its members are healthy or, as long as no cluster
// answers, n are.
func (s Status) Whole(n int, excused ...string) error {
	if s.Answers() {
		return s.CheckMembers(excused...)
	}
	return s.Check(n)
}

func unhealthy(healthy, of int, unwell []Member) error {
	lines := ""
	for _, m := range unwell {
		lines += fmt.Sprintf("\n    %s: %s", cmp.Or(m.Endpoint, m.Name), m.Error)
	}
	advice := "the member's log: mage ssh node=... cmd='journalctl -u etcd -n 30'"
	if err := (Status{Members: unwell}).CheckAlarms(); err != nil {
		advice = remedy(unwell)
	}
	if slices.ContainsFunc(unwell, func(m Member) bool { return m.Refused }) {
		advice = wire.UserAdvice
	}
	return hint.Errorf(advice,
		"etcd: %d of %d members are healthy%s", healthy, of, lines)
}
