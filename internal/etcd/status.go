// Package etcd is what the project knows of a cluster's etcd. All that needs etcd's own modules is
// in the program helper, which is built when it is first needed, so that no other target pays for it.
package etcd

import (
	"fmt"
	"slices"
	"strings"

	"coreos-libvirt/internal/hint"
	"coreos-libvirt/internal/printable"
)

// Status is a cluster's etcd, as its members tell it.
type Status struct {
	Members []Member `json:"members"` // one an endpoint, in the endpoints' order
}

// Member is what one endpoint told of its member.
type Member struct {
	Endpoint string `json:"endpoint"` // http://10.77.0.101:2379
	Name     string `json:"name"`     // the member's --name; empty where it is not known
	ID       string `json:"id"`       // hexadecimal
	Leader   string `json:"leader"`   // the id of who it takes for the leader
	Version  string `json:"version"`  // 3.6.16
	DBSize   int64  `json:"db_size"`  // bytes
	Healthy  bool   `json:"healthy"`  // it answered a linearizable read
	Error    string `json:"error"`    // why not
}

// printable is the state as it may be shown: members say what they like.
func (s Status) printable() Status {
	members := slices.Clone(s.Members)
	for i := range members {
		for _, words := range []*string{&members[i].Name, &members[i].Version, &members[i].Error} {
			*words = printable.Line(*words)
		}
	}
	return Status{members}
}

// IsLeader tells whether the member is the leader, in its own view.
func (m Member) IsLeader() bool { return m.ID != "" && m.ID == m.Leader }

// Healthy are the members that are healthy and agree on one leader with the first of them.
func (s Status) Healthy() []Member {
	var healthy []Member
	for _, m := range s.Members {
		if m.Healthy && (len(healthy) == 0 || m.Leader == healthy[0].Leader) {
			healthy = append(healthy, m)
		}
	}
	return healthy
}

// Check is nil where at least n members are healthy, else an error that names the endpoints that are not.
func (s Status) Check(n int) error {
	healthy := s.Healthy()
	if len(healthy) >= n {
		return nil
	}
	lines := []string{}
	for _, m := range s.Members {
		if !slices.Contains(healthy, m) {
			lines = append(lines, fmt.Sprintf("\n    %s: %s", m.Endpoint, m.Error))
		}
	}
	return hint.Errorf("the member's own words: mage ssh node=... cmd='journalctl -u etcd -n 30'",
		"etcd: %d of %d members are healthy%s", len(healthy), n, strings.Join(lines, ""))
}
