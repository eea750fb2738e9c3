package stage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"coreos-libvirt/internal/artifact"
	"coreos-libvirt/internal/cluster"
	"coreos-libvirt/internal/discovery"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/hint"
)

// promotePoll is how often a learner that has not caught up is tried again.
const promotePoll = 500 * time.Millisecond

// takeOutPatience is how long etcd may take to let a learner go again.
const takeOutPatience = 30 * time.Second

// grow makes members of the nodes that are none, one after the other, as etcd wants it: a learner first,
// which gets its vote when it has caught up (https://etcd.io/docs/v3.6/op-guide/runtime-configuration/).
// What an interrupted run began is ended. status is of the nodes, in their order.
func (r *Run) grow(ctx context.Context, nodes []booted, status etcd.Status) (etcd.Status, error) {
	if status.Check(len(nodes)) == nil {
		return status, nil
	}
	endpoints, _ := r.endpointsOf(nodes)
	voters := endpointsOfMembers(status.Healthy())
	members := 0
	for i := range nodes {
		is, err := r.beMember(ctx, nodes, i, voters)
		if err != nil {
			return status, fmt.Errorf("%s: %w", nodes[i].step.Node.Name, err)
		}
		if is {
			members++
		}
	}
	return r.membersHelper().WaitHealthy(ctx, endpoints, members, func(s etcd.Status) { status = s })
}

// beMember makes the node a member with a vote, and tells whether it is one; voters are endpoints of some
// that are. A node that has been in use is not made anew for that: what is on it is the user's.
func (r *Run) beMember(ctx context.Context, nodes []booted, i int, voters []string) (bool, error) {
	peers, err := r.membersHelper().Peers(ctx, voters)
	if err != nil {
		return false, err
	}
	node, address := nodes[i].step.Node, nodes[i].address()
	peer, known := peers.At(address)
	_, used := os.Stat(node.Fresh())
	switch {
	case known && peer.Name != "" && !peer.Learner:
		return true, nil
	case known && peer.Name != "":
		return true, r.promote(ctx, voters, address)
	case used != nil:
		r.log.Say("%s: is no member of etcd at %s (hint: recreate=%s makes it anew, as one)", node.Name, address, node.Name)
		return false, nil
	case known: // added, and never started
		if err := r.membersHelper().Remove(ctx, voters, peer.ID); err != nil {
			return false, err
		}
		peers = peers.Without(peer)
	}
	return true, r.join(ctx, nodes, i, peers, address, voters)
}

// join makes the node anew as a member of the cluster that there is, at the address that it had before:
// etcd wants to know it before the member starts. Where that fails the cluster is as it was.
func (r *Run) join(ctx context.Context, nodes []booted, i int, peers etcd.Peers, address string, voters []string) (err error) {
	step := &nodes[i].step
	peerURL, err := peers.URLAt(address)
	if err != nil {
		return err
	}
	flags := discovery.Joining(peers.InitialCluster(step.Node.Name, peerURL))
	doc, err := r.renderJoining(step.Node, flags)
	if err != nil {
		return err
	}
	r.log.Say("%s: joins etcd as a learner", step.Node.Name)
	if err := r.membersHelper().Add(ctx, voters, peerURL); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.takeOut(voters, address))
		}
	}()
	if err := artifact.Write(r.joiningFile(step.Node), []byte(flags), 0o600); err != nil {
		return err
	}
	if err := r.writeNode(doc); err != nil {
		return err
	}
	if err := r.makeAnew(ctx, step); err != nil {
		return err
	}
	nodes[i] = r.boot(ctx, *step)
	if err := errors.Join(nodes[i].err, r.trust(nodes)); err != nil {
		return err
	}
	if now := nodes[i].address(); now != address {
		return hint.Errorf("a reservation at the DHCP server keeps a node's address", "it had the address %s and has %s now", address, now)
	}
	if err := r.certify(ctx, nodes[i]); err != nil {
		return err
	}
	return r.promote(ctx, voters, address)
}

// takeOut removes the learner at the address again, whatever ended the run.
func (r *Run) takeOut(voters []string, address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), takeOutPatience)
	defer cancel()
	peers, err := r.membersHelper().Peers(ctx, voters)
	if err != nil {
		return err
	}
	if peer, ok := peers.At(address); ok && peer.Learner {
		return r.membersHelper().Remove(ctx, voters, peer.ID)
	}
	return nil
}

// promote gives the learner at the address its vote, as soon as it has caught up.
func (r *Run) promote(ctx context.Context, voters []string, address string) error {
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
		if refused != nil && !sleep(ctx, promotePoll) {
			return hint.Errorf("mage ssh node=… cmd='journalctl -u etcd -n 30' has its own words", "the member does not get its vote: %w", refused)
		}
	}
}

// renderJoining is the node's document as that of a member that joins.
func (r *Run) renderJoining(node cluster.Node, flags string) (rendered, error) {
	if used, err := r.uses(discovery.WordFlags); err != nil || !used {
		return rendered{}, errors.Join(err, hint.Errorf("start etcd with "+discovery.WordFlags+", as ignition/files/etcd.sh does",
			"the config does not say how a member joins: the word %s is missing", discovery.WordFlags))
	}
	words, err := r.madeWords()
	if err != nil {
		return rendered{}, err
	}
	words[discovery.WordFlags] = flags
	shared, err := r.sharedWords()
	if err != nil {
		return rendered{}, err
	}
	maps.Copy(shared, words)
	templates, err := r.templates()
	if err != nil {
		return rendered{}, err
	}
	return r.renderNode(node, templates, shared)
}

// joiningFile keeps by what flags the node joined, so that it is rendered the same again.
func (r *Run) joiningFile(node cluster.Node) string { return filepath.Join(node.Dir, "etcd-flags") }

func endpointsOfMembers(members []etcd.Member) []string {
	endpoints := []string{}
	for _, m := range members {
		endpoints = append(endpoints, m.Endpoint)
	}
	return endpoints
}
