package members

import (
	"context"
	"fmt"
	"slices"

	"coreos-libvirt/internal/cluster/beforehand"
	"coreos-libvirt/internal/cluster/members/admission"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/etcd"
)

// Expect writes the documents of the nodes that are new and whose addresses are known before they boot: they join the members that
// there are with their first boot. Etcd wants to know all members that there are then, and takes one after the other: each
// node's flags name those before it, too. Nodes that nobody knows the address of are left out.
func (c Cluster) Expect(steps []plan.Step, peers etcd.Peers, expected map[string]beforehand.Place) error {
	peers = slices.DeleteFunc(slices.Clone(peers), func(p etcd.Peer) bool { return p.Name == "" })
	for _, step := range steps {
		at, known := expected[step.Node.Name]
		if _, taken := peers.Of(step.Node.Name, at.Address); !known || taken || !isNew(step) {
			continue
		}
		if err := c.Documents.checkJoins(step.Node); err != nil {
			return fmt.Errorf("%s: %w", step.Node.Name, err)
		}
		place, err := c.placeAmong(peers, step.Node, step.Node.Name, at.Address)
		if err == nil {
			err = place.write(c.Documents, step.Node)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", step.Node.Name, err)
		}
		c.Log.Say("%s: will join etcd with its first boot, at %s (%s)", step.Node.Name, at.Address, at.By)
		peers = append(peers, etcd.Peer{Name: step.Node.Name, URLs: []string{place.peerURL}})
	}
	return nil
}

// isNew reports whether the step makes a member's node of which there is nothing.
func isNew(step plan.Step) bool {
	return step.Action == plan.Create && step.Want.IsMember() && step.Refused.None()
}

// Admit adds the first of the nodes that boot to join etcd, as a learner. Others wait for their turn, and so does it if members are
// replaced in the same run, or if not all are healthy.
func (c Cluster) Admit(ctx context.Context, steps []plan.Step) (a admission.Admitted, err error) {
	nodes, endpoints := admission.Joiners(steps), lastEndpoints(c.View)
	if len(nodes) == 0 || len(endpoints) == 0 || len(plan.Taking(steps, plan.Recreate)) > 0 || c.Generation.Token == nil || !c.Reach.Ready {
		return a, nil
	}
	status, err := c.ask(ctx, endpoints)
	if err != nil || !status.Answers() || status.CheckMembers() != nil {
		return a, err
	}
	return admission.First(ctx, nodes, c.voters(Endpoints(status.Healthy())))
}
