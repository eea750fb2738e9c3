package command

import (
	"fmt"
	"strings"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// all tells whether the whole cluster is made anew: as the user says, or as a run began that did not end.
func (r *Run) all() bool {
	return r.Recreate == "all" || r.generation.Token != nil && r.generation.Token.Retired
}

// settleAll makes a new cluster, which has nothing of the data of the old one.
func (r *Run) settleAll(status etcd.Status) error {
	if status.Answers() && !r.Force && !r.generation.Token.Retired {
		return hint.Errorf("force=true makes the new cluster; recreate=changed, or names, replaces members one after the other and keeps the data; `mage backup file=` saves them",
			"recreate=all: etcd answers, and the data of its %d members would be lost", len(status.Peers.Voters()))
	}
	if left := taking(r.surplus(), plan.Keep); len(left) > 0 {
		return hint.Errorf(fmt.Sprintf("nodes=%d makes them anew, too, nodes=%d removes them", r.Nodes+len(left), r.Nodes),
			"recreate=all: %d nodes above nodes=%d would be left of the old cluster", len(left), r.Nodes)
	}
	r.newCluster = true
	return nil
}

// settleSilent is of a cluster of which no member answers. One that never formed has no data: its nodes are
// made anew together, and all of them with another token.
func (r *Run) settleSilent(steps []plan.Step) error {
	anew, kept := taking(steps, plan.Recreate), taking(steps, plan.Keep, plan.Redefine)
	starting := 0
	for _, step := range kept {
		if step.Starts() {
			starting++
		}
	}
	switch {
	case r.neverFormed():
		r.allAtOnce = len(anew) > 0
		r.newCluster = len(anew) > 0 && len(kept) == 0 && len(r.surplus()) == 0
		return nil
	case len(anew) > 0 && len(kept) == 0:
		return hint.Errorf("`mage up` boots what does not run; recreate=all makes a new cluster, without the data",
			"no member of etcd answers: members are replaced while the others are healthy")
	case starting == 0:
		return hint.Errorf("`mage etcd` shows the members", "no member of etcd answers: while it is not healthy none is added, replaced or taken out")
	}
	return nil // members that are about to start may answer
}

// settleAnswering is of a cluster that lives.
func (r *Run) settleAnswering(status etcd.Status, steps []plan.Step) error {
	for i, step := range steps {
		if _, is := status.Peers.Voters().Of(step.Node.Name, r.reach().LastAddress(step.Node.Name)); is && step.Action == plan.Create {
			steps[i].Action, steps[i].Why = plan.Recreate, step.Why+", and it is a member of etcd"
		}
	}
	if err := r.settleParallel(status, steps); err != nil || r.newCluster {
		return err
	}
	for _, step := range taking(steps, plan.Create, plan.Recreate) {
		if err := r.checkJoining(status, step); err != nil {
			return fmt.Errorf("%s: %w", step.Node.Name, err)
		}
	}
	if err := status.CheckMembers(r.excused(status.Peers, steps)...); err != nil {
		return fmt.Errorf("while etcd is not healthy no member is added, replaced or taken out: %w", err)
	}
	return nil
}

// settleParallel refuses to make a majority of etcd's members anew at once: its data would be lost.
func (r *Run) settleParallel(status etcd.Status, steps []plan.Step) error {
	anew, voters := taking(steps, plan.Recreate), len(status.Peers.Voters())
	switch {
	case !r.Parallel || len(anew) == 0:
		return nil
	case 2*len(anew) < voters:
		r.log.Say("parallel=true: etcd's members are replaced one after the other all the same")
	case !r.Force:
		return hint.Errorf("without parallel=true they are replaced one after the other, and no data are lost; force=true makes a new cluster of all nodes",
			"parallel=true: etcd would lose its quorum and its data with %d of its %d members", len(anew), voters)
	case len(anew) < len(steps) || len(r.surplus()) > 0:
		return hint.Errorf("recreate=all makes all of them anew", "parallel=true force=true: the other nodes would be left without a quorum")
	default:
		r.newCluster = true
	}
	return nil
}

// checkJoining finds what keeps a node from becoming a member, before anything is made.
func (r *Run) checkJoining(status etcd.Status, step plan.Step) error {
	if err := r.canJoin(step.Node); err != nil {
		return err
	}
	peer, is, err := r.memberOf(status.Peers, step.Node)
	switch {
	case err != nil:
		return err
	case is && len(status.Peers.Without(peer).Voters()) == 0:
		return hint.Errorf("recreate=all force=true makes a new cluster, without the data; nodes=2 adds a member first", "this is etcd's only member")
	case is:
		return nil
	}
	for _, voter := range status.Peers.Voters() {
		if _, ours := r.seen[voter.Name]; ours {
			return nil
		}
	}
	return hint.Errorf("start etcd with --name=Node_Name", "what its etcd would be called cannot be told: the other members are not called as their nodes are")
}

// canJoin tells whether the node's config has the word by which a member joins.
func (r *Run) canJoin(node workspace.Node) error {
	used, err := r.source.NodeUses(node.Name, discovery.WordFlags)
	if err == nil && !used {
		err = hint.Errorf("start etcd with "+discovery.WordFlags+", as ignition/files/etcd.sh does",
			"the config does not say how a member joins an etcd that there is: the word %s is missing", discovery.WordFlags)
	}
	return err
}

// excused are the ids of members that need not be healthy: of nodes that this run starts, makes anew or removes.
func (r *Run) excused(peers etcd.Peers, steps []plan.Step) []string {
	ids := []string{}
	for _, step := range append(taking(r.surplus(), plan.Remove), steps...) {
		if peer, ok := peers.Of(step.Node.Name, r.reach().LastAddress(step.Node.Name)); ok && (step.Starts() || step.Action == plan.Remove) {
			ids = append(ids, peer.ID)
		}
	}
	return ids
}

// checkUnready refuses what etcd needs the nodes' addresses for, which with ready=off nobody tells.
func (r *Run) checkUnready(steps []plan.Step) error {
	if r.Ready || r.generation.Token == nil {
		return nil
	}
	what := ""
	switch {
	case r.generation.Token.TLS:
		what = "no node's etcd can be given a certificate"
	case discovery.IsEmbedded(r.generation.Token.Kind) && !r.generation.Token.Formed:
		what = "the embedded discovery service ends with this run, and etcd's members do not find each other"
	case r.changesMembers(steps) && !r.all():
		what = "no member of etcd can be added, replaced or taken out"
	default:
		return nil
	}
	ways := []string{"without ready=off it works"}
	if discovery.IsEmbedded(r.generation.Token.Kind) {
		ways = append(ways, "discovery=static, srv: and a service elsewhere need nobody who waits")
	}
	return hint.Errorf(strings.Join(ways, "; "), "ready=off: nodes do not tell where they are: %s", what)
}
