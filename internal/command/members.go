package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/wait"
)

// promotePoll is how often a learner that has not caught up is tried again.
const promotePoll = 500 * time.Millisecond

// startPatience is how long the etcd of a node that is ready, and was made to join, may take to start.
const startPatience = 10 * time.Second

// takeOutPatience is how long etcd may take to let a learner go again.
const takeOutPatience = 30 * time.Second

// grow makes members of the nodes that are none, one after the other, as etcd wants it: a learner first,
// which gets its vote when it has caught up (https://etcd.io/docs/v3.6/op-guide/runtime-configuration/).
// What an interrupted run began is ended. status is of the nodes, in their order.
func (r *Run) grow(ctx context.Context, nodes []boot.Node, status etcd.Status) (etcd.Status, error) {
	if len(status.Healthy()) == 0 || haveVotes(status.Members[:len(nodes)]) {
		return status, nil
	}
	voters := endpointsOfMembers(status.Healthy())
	for i := range nodes {
		if err := r.beMember(ctx, nodes, i, voters); err != nil {
			return status, fmt.Errorf("%s: %w", nodes[i].Step.Node.Name, err)
		}
	}
	return r.awaitEtcd(ctx, nodes, len(voters))
}

func haveVotes(members []etcd.Member) bool {
	return !slices.ContainsFunc(members, func(m etcd.Member) bool { return !m.Healthy || m.Learner })
}

// beMember makes the node a member with a vote; voters are endpoints of some that are. A node that has been in
// use is not made anew for that: what is on it is the user's.
func (r *Run) beMember(ctx context.Context, nodes []boot.Node, i int, voters []string) error {
	peers, err := r.membersHelper().Peers(ctx, voters)
	if err != nil {
		return err
	}
	node, address := nodes[i].Step.Node, nodes[i].Address()
	peer, known := peers.Of(node.Name, address)
	_, used := os.Stat(node.Fresh())
	switch {
	case known && peer.Name != "" && !peer.Learner:
		return nil
	case known && (peer.Name != "" || r.starts(ctx, node, address, voters)):
		return r.promote(ctx, nodes[i], voters, address)
	case used != nil:
		r.log.Say("%s: is no member of etcd at %s (hint: recreate=%s makes it anew, as one)", node.Name, address, node.Name)
		return nil
	}
	place, err := r.prepare(ctx, node, node.Name, address, voters)
	if err != nil {
		return err
	}
	return r.join(ctx, nodes, i, place, voters)
}

// starts tells whether the learner at the address starts, of a node that an interrupted run has made to join.
func (r *Run) starts(ctx context.Context, node workspace.Node, address string, voters []string) bool {
	if !workspace.Exists(node.EtcdFlags()) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for {
		peers, err := r.membersHelper().Peers(ctx, voters)
		if peer, _ := peers.At(address); err == nil && peer.Name != "" {
			return true
		}
		if !wait.Sleep(ctx, promotePoll) {
			return false
		}
	}
}

// promote gives the learner at the address its vote, as soon as it has caught up.
func (r *Run) promote(ctx context.Context, node boot.Node, voters []string, address string) error {
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	for {
		peers, err := r.membersHelper().Peers(ctx, voters)
		if err != nil {
			return err
		}
		peer, ok := peers.At(address)
		if !ok {
			return errors.New("etcd does not know the member any more")
		}
		if !peer.Learner {
			return nil
		}
		refused := errors.New("it has not started")
		if peer.Name != "" {
			refused = r.membersHelper().Promote(ctx, voters, peer.ID)
		}
		if refused != nil && !wait.Sleep(ctx, promotePoll) {
			return r.withOwnWords(whole, fmt.Errorf("the member does not get its vote: %w", refused), node)
		}
	}
}

func endpointsOfMembers(members []etcd.Member) []string {
	endpoints := []string{}
	for _, m := range members {
		endpoints = append(endpoints, m.Endpoint)
	}
	return endpoints
}
