// Package recovery makes a cluster of one member of an etcd that has lost the majority of its members for good.
package recovery

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/etcd/metrics"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/wait"
)

const (
	// peerPort is where etcd's members reach each other (IANA: etcd-server).
	peerPort = "2380"
	// answersWithin is how long one member may take to answer.
	answersWithin = 3 * time.Second
	// poll is how often members are looked at.
	poll = 500 * time.Millisecond
	// forgetsWithin is how long members may take to notice that their leader is gone: several times the election timeout of
	// ignition/files/etcd.sh, 2.5 s.
	forgetsWithin = 20 * time.Second
)

// Survivor is a node whose member answers.
type Survivor struct {
	Node  boot.Node
	State metrics.State
}

func (s Survivor) name() string { return s.Node.Step.Node.Name }

// Silent is a node whose member does not answer.
type Silent struct {
	Node workspace.Node
	Why  string
}

// Loss is an etcd that has no majority of its members any more.
type Loss struct {
	Kept   Survivor   // the one that has most: etcd is made of it
	Others []Survivor // they have to become members again, without what they have
	Silent []Silent
	Size   int // how many members it had
}

// Find looks for what is left of the cluster's etcd on the nodes that run. keep is the node whose member is kept; empty: the one that has
// most. An error says why it is not to be recovered: most of its members answer, some see a leader, or there is none.
func Find(ctx context.Context, v members.View, nodes []boot.Node, keep string) (loss Loss, err error) {
	return find(ctx, v, nodes, keep, max(v.Options.Helper.Patience, forgetsWithin))
}

// find gives members so long to notice that their leader is gone.
func find(ctx context.Context, v members.View, nodes []boot.Node, keep string, patience time.Duration) (loss Loss, err error) {
	client, err := clientOf(v)
	if err != nil {
		return loss, err
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		var led string
		if loss, led = look(ctx, v, client, nodes, keep); led == "" {
			return loss, loss.check(v, keep)
		}
		if err := loss.check(v, keep); err != nil || !wait.Sleep(waiting, poll) {
			return loss, cmp.Or(context.Cause(ctx), err, etcdLives(v, "the member of "+led+" sees a leader"))
		}
	}
}

// clientOf asks the cluster's members.
func clientOf(v members.View) (*http.Client, error) {
	if v.Generation.Token == nil {
		return nil, hint.Errorf("prefix= names another cluster", "the cluster %s has no etcd", v.Options.Prefix)
	}
	if !v.Generation.TLS() {
		return metrics.Client(nil), nil
	}
	if _, err := v.Generation.Authority.RenewClient(); err != nil {
		return nil, err
	}
	config, err := v.Generation.Authority.ClientTLS()
	return metrics.Client(config), err
}

// look asks the members of the nodes once. led is a node whose member sees a leader; empty if none does.
func look(ctx context.Context, v members.View, client *http.Client, nodes []boot.Node, keep string) (loss Loss, led string) {
	states := make([]metrics.State, len(nodes))
	errs := wait.AtOnce(len(nodes), func(i int) (err error) {
		states[i], err = ask(ctx, v, client, nodes[i])
		return err
	})
	left := []Survivor{}
	for i, n := range nodes {
		if errs[i] != nil {
			loss.Silent = append(loss.Silent, Silent{n.Step.Node, "does not answer: " + hint.FirstLine(errs[i])})
			continue
		}
		left = append(left, Survivor{n, states[i]})
		loss.Size = max(loss.Size, states[i].Size)
		if states[i].HasLeader {
			led = n.Step.Node.Name
		}
	}
	slices.SortStableFunc(left, hasMore)
	slices.SortStableFunc(left, func(a, b Survivor) int { return count(b.name() == keep) - count(a.name() == keep) })
	if len(left) > 0 {
		loss.Kept, loss.Others = left[0], left[1:]
	}
	loss.Silent = append(loss.Silent, silentDomains(v, nodes)...)
	return loss, led
}

// ask reads what the node's member says of itself.
func ask(ctx context.Context, v members.View, client *http.Client, node boot.Node) (metrics.State, error) {
	limited, cancel := context.WithTimeout(ctx, max(v.Options.Helper.Patience/3, answersWithin))
	defer cancel()
	state, err := metrics.Read(limited, client, v.ClientURL(node.Address()))
	if err == nil {
		return state, nil
	}
	limited, cancel = context.WithTimeout(ctx, max(v.Options.Helper.Patience/3, answersWithin))
	defer cancel()
	state, silent := metrics.ReadWaiting(limited, client, v.Generation.Token.Scheme()+"://"+net.JoinHostPort(node.Address(), peerPort))
	if silent != nil {
		return state, err
	}
	return state, nil
}

// hasMore puts the member first that has the most. A learner comes last: it has no vote, and perhaps not all. The index of raft's log
// decides second: a member that was started since its majority is gone does not know it.
func hasMore(a, b Survivor) int {
	return cmp.Or(count(a.State.IsLearner)-count(b.State.IsLearner), count(a.State.Waits)-count(b.State.Waits), cmp.Compare(b.State.Revision, a.State.Revision), cmp.Compare(b.State.Index, a.State.Index))
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

// silentDomains are the nodes with a member that cannot be asked: they do not run, or nobody knows where they are.
func silentDomains(v members.View, asked []boot.Node) (silent []Silent) {
	for _, d := range v.Reach.Members(v.Domains, v.Options.Prefix) {
		is := func(n boot.Node) bool { return n.Step.Node.Name == d.Name }
		if d.Metadata.IsMember() && !slices.ContainsFunc(asked, is) {
			silent = append(silent, Silent{v.Reach.NodeOf(d.Metadata), "cannot be asked: the node is " + string(d.State)})
		}
	}
	for _, node := range v.Options.Nodes {
		if _, defined := v.Domains[node.Name]; !defined {
			silent = append(silent, Silent{node, "is gone: the node has no domain"})
		}
	}
	return silent
}

// check is an error if nothing is lost, or nothing is left.
func (l Loss) check(v members.View, keep string) error {
	left := 1 + len(l.Others)
	switch {
	case l.Kept.State.ID == "":
		return hint.Errorf(fmt.Sprintf("`mage up prefix=%s recreate=all` makes a new cluster, `mage restore prefix=%[1]s file=…` puts a backup into it", v.Options.Prefix),
			"no member of the cluster %s's etcd answers: there is nothing to make a cluster of%s", v.Options.Prefix, l.silent())
	case l.Kept.State.IsLearner:
		return hint.Errorf(fmt.Sprintf("`mage up prefix=%s recreate=all` makes a new cluster, `mage restore prefix=%[1]s file=…` puts a backup into it", v.Options.Prefix),
			"%s: only a learner is left of etcd: it may not have all that etcd had", l.Kept.name())
	case 2*left > l.Size:
		return etcdLives(v, fmt.Sprintf("%d of its %d members answer, which is a majority", left, l.Size))
	case keep != "" && l.Kept.name() != keep:
		return hint.Errorf(fmt.Sprintf("`mage etcd prefix=%s recover=true` takes the member that has most", v.Options.Prefix), "node=%s: its member of etcd does not answer%s", keep, l.silent())
	}
	return l.checkKnown(v, keep)
}

// checkKnown is an error if several are left, and nobody knows which has most.
func (l Loss) checkKnown(v members.View, keep string) error {
	waits := func(s Survivor) bool { return s.State.Waits }
	if keep != "" || len(l.Others) == 0 || !l.Kept.State.Waits && !slices.ContainsFunc(l.Others, waits) {
		return nil
	}
	return hint.Errorf(fmt.Sprintf("`mage etcd prefix=%s recover=true node=%s` takes this one; their journals may say which wrote last", v.Options.Prefix, l.Kept.name()),
		"etcd has been started without a majority, and does not say what it has: which member has most is for you to say%s", l.left())
}

// left are the members that answer, a line each.
func (l Loss) left() (lines string) {
	for _, s := range append([]Survivor{l.Kept}, l.Others...) {
		lines += fmt.Sprintf("\n    %s answers%s", s.name(), s.has())
	}
	return lines
}

// has is what is known of what the member has.
func (s Survivor) has() string {
	if s.State.Waits {
		return ", has had no majority since it was started, and does not say what it has"
	}
	return fmt.Sprintf(", has all up to revision %d", s.State.Revision)
}

func etcdLives(v members.View, why string) error {
	return hint.Errorf(fmt.Sprintf("`mage etcd prefix=%s` shows the members, `mage up prefix=%[1]s` replaces those that are lost", v.Options.Prefix),
		"recover=true is for an etcd that has lost most of its members for good: %s; nothing was changed", why)
}

func (l Loss) silent() (lines string) {
	for _, s := range l.Silent {
		lines += fmt.Sprintf("\n    %s %s", s.Node.Name, s.Why)
	}
	return lines
}

// String is what recovery does, and what may be lost by it.
func (l Loss) String() string {
	return fmt.Sprintf(`etcd has lost its majority: %[2]d of its %[3]d members answer%[4]s%[5]s
%[1]s becomes a cluster of its own. What etcd has acknowledged and %[1]s has not received is lost. From then on
the others must not run with the disks that they have: the next up recreates those that there are`, l.Kept.name(), 1+len(l.Others), l.Size, l.left(), l.silent())
}
