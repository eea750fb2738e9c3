package members

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/cluster/timeline"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
)

// Expectation is where a node will be once it has booted, and what says so.
type Expectation struct{ Address, By string }

// Expect writes the documents of the nodes that are new and whose addresses are known before they boot: they join the members that
// there are with their first boot. Etcd wants to be told of all members that there are then, and takes one after the other: each
// node's flags name those before it, too. Nodes that nobody knows the address of are left out.
func (c Cluster) Expect(steps []plan.Step, peers etcd.Peers, expected map[string]Expectation) error {
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
			err = c.writePlace(step.Node, place)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", step.Node.Name, err)
		}
		c.Log.Say("%s: will join etcd with its first boot, at %s (%s)", step.Node.Name, at.Address, at.By)
		peers = append(peers, etcd.Peer{Name: step.Node.Name, URLs: []string{place.peerURL}})
	}
	return nil
}

// isNew tells whether the step makes a member's node of which there is nothing.
func isNew(step plan.Step) bool {
	return step.Action == plan.Create && step.Want.IsMember() && step.Refused.None()
}

// writePlace writes by what flags the node joins, and its document with them.
func (c Cluster) writePlace(node workspace.Node, p place) error {
	if err := os.MkdirAll(node.Dir, 0o755); err != nil {
		return err
	}
	if err := artifact.Write(node.EtcdFlags(), []byte(p.flags), 0o600); err != nil {
		return err
	}
	return c.Documents.Write(p.doc)
}

// Admitted is a learner that was added before its node boots. The zero value is none.
type Admitted struct {
	node    workspace.Node
	address string
	voters  voters
}

// Admit adds the first of the nodes that boot to join etcd, as a learner: etcd takes one at a time. Others wait for their turn, and
// so does it if members are replaced in the same run, or if not all are healthy.
func (c Cluster) Admit(ctx context.Context, steps []plan.Step) (a Admitted, err error) {
	if len(joiners(steps)) == 0 || len(plan.Taking(steps, plan.Recreate)) > 0 || c.Generation.Token == nil || !c.Reach.Ready {
		return a, nil
	}
	status, err := c.ask(ctx, c.lastEndpoints())
	if err != nil || !status.Answers() || status.CheckMembers() != nil {
		return a, err
	}
	return c.admit(ctx, joiners(steps), c.voters(Endpoints(status.Healthy())))
}

// admit adds the first of the nodes that fits the members that there are, unless a run before has done that.
func (c Cluster) admit(ctx context.Context, nodes []workspace.Node, v voters) (a Admitted, err error) {
	peers, err := v.peers(ctx)
	if err != nil {
		return a, err
	}
	for _, node := range nodes {
		address := joinsAt(node)
		if peer, known := peers.Of(node.Name, address); known && peer.Name == "" && c.fits(peers.Without(peer), node, address) {
			return Admitted{node, address, v}, nil
		}
	}
	if peers, err = v.clearLearners(ctx); err != nil || len(peers.Voters()) < len(peers) {
		return a, err
	}
	for _, node := range nodes {
		if address := joinsAt(node); c.fits(peers, node, address) {
			return Admitted{node, address, v}, c.addLearner(ctx, node, peers, address, v)
		}
	}
	return a, nil
}

// addLearner adds the node's member at the address, which has no vote yet.
func (c Cluster) addLearner(ctx context.Context, node workspace.Node, peers etcd.Peers, address string, v voters) error {
	url, err := peers.URLAt(address)
	if err != nil {
		return err
	}
	c.Times.Reach(node.Name, timeline.Joins)
	c.Log.Say("%s: joins etcd as a learner", node.Name)
	return v.client.Add(ctx, v.endpoints, url)
}

// joiners are the nodes that this run boots for the first time, and that were made to join etcd with that.
func joiners(steps []plan.Step) (nodes []workspace.Node) {
	for _, step := range steps {
		if step.Starts() && step.Want.IsMember() && workspace.Exists(step.Node.Fresh()) && wasToJoin(step.Node) {
			nodes = append(nodes, step.Node)
		}
	}
	return nodes
}

// Came takes the member out again if its node has not come, or is elsewhere: the cluster is then as it was.
func (a Admitted) Came(nodes []boot.Node) error {
	at := slices.IndexFunc(nodes, func(n boot.Node) bool { return n.Step.Node.Name == a.node.Name })
	if a.address == "" || at >= 0 && nodes[at].Err == nil && nodes[at].Address() == a.address {
		return nil
	}
	peers, err := a.voters.remove(a.address)
	if err != nil {
		return fmt.Errorf("%s: its member cannot be taken out of etcd again: %w", a.node.Name, err)
	}
	where := "is not there"
	if at >= 0 && nodes[at].Err == nil {
		where = "is at " + nodes[at].Address()
	}
	a.voters.say("%s: was expected at %s and %s: its member was taken out of etcd again, which has %d members", a.node.Name, a.address, where, len(peers))
	return nil
}

// fits tells whether the node was made to join exactly these members, at the address.
func (c Cluster) fits(peers etcd.Peers, node workspace.Node, address string) bool {
	flags, err := os.ReadFile(node.EtcdFlags())
	url, unknown := peers.URLAt(address)
	if err != nil || unknown != nil || address == "" {
		return false
	}
	if _, taken := peers.Of(node.Name, address); taken {
		return false
	}
	initial, err := peers.InitialCluster(node.Name, url)
	return err == nil && slices.Equal(inOrder(initial), inOrder(discovery.Joined(string(flags))))
}

func inOrder(cluster string) []string {
	parts := strings.Split(cluster, ",")
	slices.Sort(parts)
	return parts
}

// joinsAt is the address at which the node was made to join etcd; empty if it was not.
func joinsAt(node workspace.Node) string {
	flags, err := os.ReadFile(node.EtcdFlags())
	if err != nil {
		return ""
	}
	for _, part := range strings.Split(discovery.Joined(string(flags)), ",") {
		if name, url, _ := strings.Cut(part, "="); name == node.Name {
			return etcd.HostOf(url)
		}
	}
	return ""
}
