package members

import (
	"context"
	"fmt"
	"slices"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/config/render"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// Cluster is a cluster's etcd, and the nodes that its members are on.
type Cluster struct {
	View
	Nodes     Nodes
	Documents Documents
}

// Nodes is what other rooms do with nodes.
type Nodes struct {
	Boot     func(context.Context, plan.Step) boot.Node
	Recreate func(context.Context, plan.Step) (plan.Step, error) // the new node does not run
	Remove   func(workspace.Node) error                          // its domain, its disk and its folder
	// Watch does something that waits for nodes, and ends it with the error of the first that breaks down meanwhile.
	Watch func(ctx context.Context, nodes []boot.Node, do func(context.Context) error) error
}

// Documents are those of the nodes.
type Documents struct {
	Source config.Set
	Made   func() (config.Made, error) // what was made for the cluster, and goes into its documents
	Write  func(config.Document) error
}

// checkJoins refuses a node whose config does not have the word by which a member joins.
func (d Documents) checkJoins(node workspace.Node) error {
	used, err := d.Source.NodeUses(node.Name, discovery.WordFlags)
	if err != nil {
		return err
	}
	return plan.CheckJoins(used)
}

// joining is the document of a node whose member joins by these flags.
func (d Documents) joining(node workspace.Node, flags string) (config.Document, error) {
	made, err := d.Made()
	if err != nil {
		return config.Document{}, err
	}
	made.Own[node.Name] = render.Words{discovery.WordFlags: flags}
	return d.Source.RenderOne(node, made)
}

// Outcome is what has become of a cluster.
type Outcome struct {
	Nodes      []boot.Node
	Status     etcd.Status
	Generation generation.Generation
}

// Reconcile makes the cluster that is wanted of nodes that are ready: it recreates nodes in turn, waits for etcd, and makes
// members of nodes that are none. Then surplus nodes go. server serves discovery, if the nodes need it. What there is by
// then is given with an error, too.
func (c Cluster) Reconcile(ctx context.Context, nodes []boot.Node, surplus []plan.Step, server *etcd.Server) (o Outcome, err error) {
	o = Outcome{Nodes: slices.Clone(nodes), Generation: c.Generation}
	if err := c.certify(ctx, boot.Reachable(membersOf(nodes))...); err != nil {
		return o, err
	}
	if err := c.recreateInTurn(ctx, o.Nodes); err != nil {
		return o, err
	}
	if !c.Reach.Ready {
		c.Log.Say("ready=off: the nodes run, whether they can be reached is not known (`mage status ready=off` looks for them)")
	}
	if err := c.reconcileMembers(ctx, &o, server); err != nil {
		return o, err
	}
	return o, c.shrink(ctx, surplus, o.Status.Members[:min(len(o.Status.Members), len(nodes))])
}

// reconcileMembers waits for etcd, and makes members of the nodes that shall have one and have none.
func (c Cluster) reconcileMembers(ctx context.Context, o *Outcome, server *etcd.Server) (err error) {
	members := membersOf(o.Nodes)
	if !c.Reach.Ready || c.Generation.Token == nil || len(members) == 0 {
		return nil
	}
	if *o, err = c.formed(ctx, *o, members, server); err != nil {
		return err
	}
	o.Status, err = c.grow(ctx, members, o.Status)
	for _, node := range members {
		at := slices.IndexFunc(o.Nodes, func(n boot.Node) bool { return n.Step.Node.Name == node.Step.Node.Name })
		o.Nodes[at] = node
	}
	return err
}

// membersOf are those of the nodes that have a member of etcd, or shall have one.
func membersOf(nodes []boot.Node) []boot.Node {
	return slices.DeleteFunc(slices.Clone(nodes), func(n boot.Node) bool { return !n.Step.Want.IsMember() })
}

// formed waits until the members' etcd is healthy, and notes that it has formed. Nobody joins a cluster that has strangers in it.
func (c Cluster) formed(ctx context.Context, o Outcome, members []boot.Node, server *etcd.Server) (Outcome, error) {
	err := c.Nodes.Watch(ctx, o.Nodes, func(ctx context.Context) (err error) {
		o.Status, err = c.form(ctx, members, server)
		return err
	})
	if err == nil && len(o.Status.Healthy()) > 0 && !c.Generation.Token.Formed {
		o.Generation, err = c.Generation.Formed(c.Options)
	}
	if err == nil {
		err = c.CheckStrangers(members, o.Status)
	}
	return o, err
}

// ReconcileReady gives the nodes that are ready what they need, while others have failed: certificates, and discovery for as
// long as their etcd may still form. Members come and go only while all nodes are well.
func (c Cluster) ReconcileReady(ctx context.Context, nodes []boot.Node) (status etcd.Status, err error) {
	nodes = boot.Reachable(membersOf(nodes))
	token := c.Generation.Token
	if token == nil || len(nodes) == 0 {
		return status, nil
	}
	if err := c.certify(ctx, nodes...); err != nil {
		return status, err
	}
	if quorum := token.Size/2 + 1; !token.Formed && (len(nodes) < quorum || allFresh(nodes)) {
		return status, hint.Errorf("correct what made the other nodes fail, then: mage up prefix="+c.Options.Prefix, "etcd cannot start yet: too few of its nodes are ready, %d of %d", len(nodes), token.Size)
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	err = c.Nodes.Watch(ctx, nodes, func(ctx context.Context) (err error) {
		status, err = c.awaitQuorum(ctx, nodes)
		return err
	})
	if err == nil {
		c.Log.Say("etcd: healthy without those that failed, %d of %d members", len(status.Healthy()), len(status.Peers.Voters()))
		err = c.CheckStrangers(nodes, status)
	}
	return status, err
}

// allFresh reports whether no node was in a run of `up` that came to its end: its etcd has never formed, and forms of all its
// nodes only.
func allFresh(nodes []boot.Node) bool {
	return !slices.ContainsFunc(nodes, func(n boot.Node) bool { return !workspace.Exists(n.Step.Node.Fresh()) })
}

// ServeNewcomers serves discovery from before the first node boots, if any does. Nodes that have been in use can do without
// it: their etcd has found the others before.
func (v View) ServeNewcomers(ctx context.Context, steps []plan.Step) (*etcd.Server, error) {
	starting := slices.DeleteFunc(slices.Clone(steps), func(s plan.Step) bool { return !s.Starts() || !s.Want.IsMember() })
	if len(starting) == 0 {
		return nil, nil
	}
	server, err := v.Generation.Serve(ctx, v.Options)
	if err == nil || slices.ContainsFunc(starting, func(s plan.Step) bool { return workspace.Exists(s.Node.Fresh()) }) {
		return server, err
	}
	v.Log.Say("warning: %s", hint.FirstLine(err))
	return nil, nil
}

// shrink removes surplus nodes, one after the other: each one's member from etcd, then the node. staying are the members of
// the nodes that stay.
func (c Cluster) shrink(ctx context.Context, surplus []plan.Step, staying []etcd.Member) error {
	others := Endpoints(etcd.Status{Members: staying}.Healthy())
	removed := []plan.Step{}
	for _, step := range surplus {
		if step.Action == plan.Remove {
			removed = append(removed, step)
		} else {
			c.Log.Say("%s: %s", step.Node.Name, step.Why)
		}
	}
	for i, step := range removed {
		if err := c.removeNode(ctx, step, others, removed[i+1:]); err != nil {
			return fmt.Errorf("%s: %w", step.Node.Name, err)
		}
	}
	return nil
}
