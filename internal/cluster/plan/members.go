package plan

import (
	"fmt"
	"slices"
	"strings"

	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/terminal/hint"
)

// making is a plan on its way.
type making struct {
	Plan
	want      []Blueprint
	have      map[string]Found
	o         Options
	e         Etcd
	addresses Addresses
}

// settleMembers decides how nodes are added to an etcd that there is, or recreated in it, and refuses what would harm it.
// If no member comes or goes, nothing is to be decided.
func (m *making) settleMembers() error {
	if err := m.checkUnready(); err != nil || !m.e.Exists {
		return err
	}
	m.spare()
	switch {
	case !m.changesMembers():
		if m.e.Retired { // of the generation nothing is left but disks
			m.Way = NewGeneration
		}
		return nil
	case !m.e.Asked:
		return nil
	case m.all():
		return m.settleAll()
	case m.e.Status.Answers():
		return m.settleAnswering()
	}
	return m.settleSilent()
}

// spare keeps nodes that nobody wants recreated if their etcd may have data: its member answers or, in a cluster that was
// healthy once, none does.
func (m *making) spare() {
	silent := !m.e.Status.Answers() && !m.e.NeverFormed(m.have)
	for i, step := range m.Steps {
		if m.e.Asked && step.Unasked && m.wasMember(step) && (silent || m.answers(step.Node.Name)) {
			found := m.have[step.Node.Name]
			found.NeverReady = false
			m.Steps[i] = m.want[i].step(found, m.e)
		}
	}
}

// answers reports whether the node's member said something.
func (m *making) answers(node string) bool {
	peer, is := m.e.Status.Peers.Of(node, m.addresses[node])
	return is && slices.ContainsFunc(m.e.Status.Members, func(member etcd.Member) bool {
		return member.ID == peer.ID && (member.Healthy || member.Version != "")
	})
}

// all reports whether the whole cluster is recreated: as the user says, or because a run has begun that and has not ended.
func (m *making) all() bool { return m.o.All || m.e.Retired }

// changesMembers reports whether members are added to those that there are, recreated or removed.
func (m *making) changesMembers() bool {
	any := false
	for _, found := range m.have {
		any = any || found.Defined && found.Domain.Metadata.IsMember()
	}
	return any && len(m.ofMembers(Taking(m.All(), Create, Recreate, Remove))) > 0
}

// settleAll makes a new cluster, which has nothing of the data of the old one.
func (m *making) settleAll() error {
	if m.e.Status.Answers() && !m.o.Force && !m.e.Retired {
		return hint.Errorf(fmt.Sprintf("`%s` makes the new cluster; `%s` replaces members one after the other and keeps the data; `%s` saves them",
			m.o.up("recreate=all", "force=true"), m.o.up("recreate=changed"), m.o.command("backup", "file=etcd.db")),
			"recreate=all: etcd answers, and the data of its %d members would be lost", len(m.e.Status.Peers.Voters()))
	}
	if left := Taking(m.Surplus, Keep); len(left) > 0 {
		nodes := func(n int) string { return m.o.up(fmt.Sprintf("nodes=%d", n), "recreate=all", "force=true") }
		return hint.Errorf(fmt.Sprintf("`%s` recreates them, too; `%s` removes them", nodes(m.o.Nodes+len(left)), nodes(m.o.Nodes)),
			"recreate=all: %d nodes above nodes=%d would be left of the old cluster", len(left), m.o.Nodes)
	}
	m.Way = NewGeneration
	return nil
}

// settleSilent is of a cluster of which no member answers. One that never formed has no data: its nodes are recreated
// together, and all of them with another token.
func (m *making) settleSilent() error {
	recreated, kept := m.ofMembers(Taking(m.Steps, Recreate)), m.ofMembers(Taking(m.Steps, Keep, Redefine))
	starting := 0
	for _, step := range kept {
		if step.Starts() {
			starting++
		}
	}
	switch {
	case m.e.NeverFormed(m.have):
		m.recreateUnformed(len(recreated), len(kept))
		return nil
	case len(recreated) > 0 && len(kept) == 0:
		return hint.Errorf(fmt.Sprintf("`%s` boots what does not run; `%s` makes a new cluster, without the data", m.o.up(), m.o.up("recreate=all")),
			"no member of etcd answers: members are replaced while the others are healthy")
	case starting == 0:
		return hint.Errorf("`"+m.o.command("etcd")+"` shows the members", "no member of etcd answers: while it is not healthy none is added, replaced or taken out")
	}
	return nil // members that are about to start may answer
}

// recreateUnformed is the way for nodes whose etcd has no data.
func (m *making) recreateUnformed(recreated, kept int) {
	switch {
	case recreated > 0 && kept == 0 && len(m.Surplus) == 0:
		m.Way = NewGeneration
	case recreated > 0:
		m.Way = Together
	}
}

// settleAnswering is of a cluster that lives.
func (m *making) settleAnswering() error {
	for i, step := range m.Steps {
		if _, is := m.e.Status.Peers.Voters().Of(step.Node.Name, m.addresses[step.Node.Name]); is && step.Action == Create {
			m.Steps[i].Action, m.Steps[i].Why = Recreate, step.Why+", and it is a member of etcd"
		}
	}
	if err := m.settleParallel(); err != nil || m.Way == NewGeneration {
		return err
	}
	for i, step := range m.Steps {
		if !step.Makes() || !m.isMember(step) {
			continue
		}
		if err := m.checkJoining(m.want[i]); err != nil {
			return fmt.Errorf("%s: %w", step.Node.Name, err)
		}
	}
	if err := m.e.Status.CheckMembers(m.excused()...); err != nil {
		return fmt.Errorf("while etcd is not healthy no member is added, replaced or taken out: %w", err)
	}
	return nil
}

// settleParallel refuses to recreate a majority of etcd's members at once: its data would be lost.
func (m *making) settleParallel() error {
	recreated, voters := m.ofMembers(Taking(m.Steps, Recreate)), len(m.e.Status.Peers.Voters())
	switch {
	case !m.o.Parallel || len(recreated) == 0:
		return nil
	case 2*len(recreated) < voters:
		m.Notes = append(m.Notes, "parallel=true: etcd's members are replaced one after the other all the same")
	case !m.o.Force:
		return hint.Errorf(fmt.Sprintf("`%s` replaces them one after the other, and no data are lost; `%s` makes a new cluster of all nodes",
			m.o.up(m.o.recreate()...), m.o.up("recreate=all", "force=true")),
			"parallel=true: etcd would lose its quorum and its data with %d of its %d members", len(recreated), voters)
	case len(recreated) < len(m.ofMembers(m.Steps)) || len(m.ofMembers(m.Surplus)) > 0:
		return hint.Errorf("`"+m.o.up("recreate=all", "force=true")+"` recreates all of them", "parallel=true force=true: the other nodes would be left without a quorum")
	default:
		m.Way = NewGeneration
	}
	return nil
}

// checkJoining finds what keeps a node from becoming a member.
func (m *making) checkJoining(b Blueprint) error {
	if err := CheckJoins(b.Joins || !b.Mark.IsMember()); err != nil {
		return err
	}
	peers := m.e.Status.Peers
	peer, is, err := m.addresses.MemberOf(peers, b.Doc.Name)
	switch {
	case err != nil:
		return err
	case is && len(peers.Without(peer).Voters()) == 0:
		return hint.Errorf(fmt.Sprintf("`%s` makes a new cluster, without the data; %s", m.o.up("recreate=all", "force=true"), m.o.oneMore()),
			"this is etcd's only member")
	case is:
		return nil
	}
	for _, voter := range peers.Voters() {
		if m.have[voter.Name].Defined {
			return nil
		}
	}
	return hint.Errorf("start etcd with --name=Node_Name", "cannot work out this node's etcd member name: the members are not named after their nodes")
}

// excused are the ids of members that need not be healthy: of nodes that this run starts, recreates or removes.
func (m *making) excused() []string {
	ids := []string{}
	for _, step := range append(Taking(m.Surplus, Remove), m.Steps...) {
		if peer, ok := m.e.Status.Peers.Of(step.Node.Name, m.addresses[step.Node.Name]); ok && (step.Starts() || step.Action == Remove) {
			ids = append(ids, peer.ID)
		}
	}
	return ids
}

// checkUnready refuses what etcd needs the nodes' addresses for, which with ready=off nobody tells.
func (m *making) checkUnready() error {
	if m.o.Ready || !m.e.Exists {
		return nil
	}
	what := ""
	switch {
	case m.e.TLS:
		what = "no node's etcd can be given a certificate"
	case m.e.Embedded && !m.e.Formed:
		what = "the embedded discovery service ends with this run, and etcd's members do not find each other"
	case m.changesMembers() && !m.all():
		what = "no member of etcd can be added, replaced or taken out"
	default:
		return nil
	}
	ways := []string{"without ready=off it works: `" + m.o.up(append(m.o.recreate(), "ready=on")...) + "`"}
	if m.e.Embedded {
		ways = append(ways, "discovery=static, srv: and a service elsewhere need nobody who waits")
	}
	return hint.Errorf(strings.Join(ways, "; "), "ready=off: nodes do not say where they are: %s", what)
}
