package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/config/render"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
)

// settling is how long members may take to be healthy again before others come or go.
const settling = 30 * time.Second

// place is where a node joins, and what it then boots with.
type place struct {
	address, peerURL, flags string
	doc                     config.Document
}

// prepare makes sure of all that a node needs to join at the address, and that the members there are healthy.
func (r *Run) prepare(ctx context.Context, node workspace.Node, name, address string, voters []string) (place, error) {
	if err := r.canJoin(node); err != nil {
		return place{}, err
	}
	status, err := r.areWell(ctx, voters)
	if err != nil {
		return place{}, err
	}
	return r.placeAmong(status.Peers, node, name, address)
}

// placeAmong is the node's place among the members that there are then.
func (r *Run) placeAmong(peers etcd.Peers, node workspace.Node, name, address string) (p place, err error) {
	p.address = address
	if p.peerURL, err = peers.URLAt(address); err != nil {
		return p, err
	}
	p.flags = discovery.Joining(peers.InitialCluster(name, p.peerURL))
	p.doc, err = r.renderJoining(node, p.flags)
	return p, err
}

// areWell waits a little until all members are healthy, but those of the excused ids, and says why not.
func (r *Run) areWell(ctx context.Context, endpoints []string, excused ...string) (etcd.Status, error) {
	waiting, cancel := context.WithTimeout(ctx, settling)
	defer cancel()
	status, err := r.membersHelper().WaitHealthy(waiting, endpoints, 1, func(etcd.Status) {}, excused...)
	if ctx.Err() != nil {
		return status, context.Cause(ctx)
	}
	if err == nil && !status.Answers() {
		err = errors.New("no member tells of the others")
	}
	if err != nil {
		return status, fmt.Errorf("while etcd is not healthy no member is added, replaced or taken out: %w", err)
	}
	return status, nil
}

// join makes the node anew as a member of the cluster that there is, at the address that it had before:
// etcd wants to know it before the member starts. Where that fails the cluster is as it was.
func (r *Run) join(ctx context.Context, nodes []boot.Node, i int, p place, voters []string) (err error) {
	step := &nodes[i].Step
	peers, err := r.clearLearners(ctx, voters)
	if err != nil {
		return err
	}
	if peer, _ := peers.At(p.address); peer.Name != "" { // it has started, at the last moment
		return r.promote(ctx, nodes[i], voters, p.address)
	}
	r.log.Say("%s: joins etcd as a learner", step.Node.Name)
	if err := r.membersHelper().Add(ctx, voters, p.peerURL); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = r.takeOut(voters, p.address, err)
		}
	}()
	if err := artifact.Write(step.Node.EtcdFlags(), []byte(p.flags), 0o600); err != nil {
		return err
	}
	if err := r.writeDocument(p.doc); err != nil {
		return err
	}
	if err := r.makeAnew(ctx, step); err != nil {
		return err
	}
	nodes[i] = r.booter().One(ctx, *step)
	if err := errors.Join(nodes[i].Err, r.trust(nodes)); err != nil {
		return err
	}
	if now := nodes[i].Address(); now != p.address {
		return hint.Errorf("a reservation at the DHCP server keeps a node's address", "it had the address %s and has %s now", p.address, now)
	}
	if err := r.certify(ctx, nodes[i]); err != nil {
		return err
	}
	return r.promote(ctx, nodes[i], voters, p.address)
}

// clearLearners removes learners that were added and never started: etcd takes one at a time. It gives the members that
// stay.
func (r *Run) clearLearners(ctx context.Context, voters []string) (stay etcd.Peers, err error) {
	peers, err := r.membersHelper().Peers(ctx, voters)
	if err != nil {
		return nil, err
	}
	for _, peer := range peers {
		if !peer.Learner || peer.Name != "" {
			stay = append(stay, peer)
			continue
		}
		r.log.Say("etcd: a learner at %s never started, and is taken out", peer.URLs[0])
		if err := r.membersHelper().Remove(ctx, voters, peer.ID); err != nil {
			return nil, err
		}
	}
	return stay, nil
}

// takeOut removes the learner at the address again, whatever ended the run, and tells so with that.
func (r *Run) takeOut(voters []string, address string, failed error) error {
	ctx, cancel := context.WithTimeout(context.Background(), takeOutPatience)
	defer cancel()
	peers, err := r.membersHelper().Peers(ctx, voters)
	if err != nil {
		return errors.Join(failed, err)
	}
	if peer, ok := peers.At(address); ok {
		if !peer.Learner {
			return failed
		}
		if err := r.membersHelper().Remove(ctx, voters, peer.ID); err != nil {
			return errors.Join(failed, err)
		}
		peers = peers.Without(peer)
	}
	return fmt.Errorf("it was taken out of etcd again, which has %d members; `mage up` tries it anew: %w", len(peers), failed)
}

// renderJoining is the node's document as that of a member that joins.
func (r *Run) renderJoining(node workspace.Node, flags string) (config.Document, error) {
	made, err := r.forDocuments(r.source, r.generation, false)
	if err != nil {
		return config.Document{}, err
	}
	made.Own[node.Name] = render.Words{discovery.WordFlags: flags}
	return r.source.RenderOne(node, made)
}
