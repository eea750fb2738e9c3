package command

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/reach"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace/wait"
)

// clientPort is where etcd's clients reach a member (IANA: etcd-client).
const clientPort = "2379"

// membersPatience is how long one question to the members may take.
const membersPatience = 3 * time.Second

// asWanted gives an etcd that is healthy the members that it shall have.
func (r *Run) asWanted(ctx context.Context, nodes []boot.Node, status etcd.Status) (_ etcd.Status, err error) {
	if len(status.Healthy()) > 0 && !r.generation.Token.Formed {
		if r.generation, err = r.generation.Formed(r.generationOptions()); err != nil {
			return status, err
		}
	}
	status, err = r.grow(ctx, nodes, status)
	if err != nil {
		return status, err
	}
	return status, r.shrink(ctx, status)
}

// awaitQuorum waits until so many members are healthy that etcd can be used.
func (r *Run) awaitQuorum(ctx context.Context, nodes []boot.Node) (etcd.Status, error) {
	endpoints, _ := r.endpointsOf(nodes)
	waiting, enough := context.WithCancel(ctx)
	defer enough()
	has := func(s etcd.Status) bool { return s.Answers() && len(s.Healthy()) > len(s.Peers.Voters())/2 }
	status, err := r.membersHelper().WaitHealthy(waiting, endpoints, len(nodes), func(s etcd.Status) {
		if has(s) {
			enough()
		}
	})
	if has(status) {
		err = nil
	}
	return status, err
}

// formEtcd waits until the cluster's etcd is healthy, and serves discovery until then if nobody does.
func (r *Run) formEtcd(ctx context.Context, nodes []boot.Node, server *etcd.Server) (etcd.Status, error) {
	size := min(r.generation.Token.Size, len(nodes))
	if server == nil { // all nodes ran before, or the cluster has formed
		endpoints, _ := r.endpointsOf(nodes)
		if status := r.seenEtcd(ctx, endpoints); status.Check(len(nodes)) == nil {
			return status, nil
		}
		status, err := r.membersHelper().Status(ctx, endpoints, membersPatience)
		if err == nil && status.Whole(size) == nil {
			return status, nil
		}
		if err == nil && !status.Answers() && !r.generation.Token.Formed && r.generation.Token.Size > len(nodes) {
			return status, hint.Errorf(fmt.Sprintf("nodes=%d; or recreate=all, which makes a new cluster of nodes=%d", r.generation.Token.Size, len(nodes)),
				"etcd has never formed, and its token is for %d members: it does not form of %d", r.generation.Token.Size, len(nodes))
		}
		server, err = r.generation.Serve(ctx, r.generationOptions())
		if err != nil && !status.Answers() {
			return status, err
		}
		defer server.Close()
	}
	return r.awaitEtcd(ctx, nodes, size)
}

// awaitEtcd waits until all of etcd's members are healthy or, where no cluster answers, size of them. The error
// has the last words of those that are not.
func (r *Run) awaitEtcd(ctx context.Context, nodes []boot.Node, size int) (etcd.Status, error) {
	endpoints, names := r.endpointsOf(nodes)
	begin := time.Now()
	healthy := map[string]bool{}
	waiting, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	status, err := r.membersHelper().WaitHealthy(waiting, endpoints, size, func(s etcd.Status) {
		for _, m := range s.Healthy() {
			if name := names[m.Endpoint]; name != "" && !healthy[m.Endpoint] {
				r.times.Reach(name, "etcd")
				r.log.Say("%s: etcd member healthy (%s)", name, progress.Seconds(time.Since(begin)))
			}
			healthy[m.Endpoint] = true
		}
	})
	if err != nil {
		err = r.withOwnWords(ctx, err, unwellOf(nodes, status)...)
	}
	return status, err
}

// unwellOf are the nodes whose members are not healthy; status is of the nodes, in their order.
func unwellOf(nodes []boot.Node, status etcd.Status) []boot.Node {
	unwell := []boot.Node{}
	for i, n := range nodes {
		if i >= len(status.Members) || !status.Members[i].Healthy {
			unwell = append(unwell, n)
		}
	}
	return unwell
}

// lastWords is what a member wrote last, whichever of these units it is.
const lastWords = `sudo -n journalctl -u etcd -u etcd-member -n 20 --no-pager -o cat 2>/dev/null || journalctl -u etcd -u etcd-member -n 20 --no-pager -o cat`

// withOwnWords puts under err what the nodes' own etcd wrote last, as far as ssh brings it.
func (r *Run) withOwnWords(ctx context.Context, err error, nodes ...boot.Node) error {
	if ctx.Err() != nil { // the user does not want to wait
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, reach.Patience)
	defer cancel()
	words := make([]string, len(nodes))
	_ = wait.Each(len(nodes), func(i int) error {
		node := nodes[i].Step.Node.Name
		out, failed := r.access(r.Prefix).Command(ctx, r.User, node, nodes[i].Address(), lastWords).CombinedOutput()
		if failed != nil {
			out = fmt.Appendf(nil, "its journal cannot be read: %v: %s", failed, out)
		}
		words[i] = fmt.Sprintf("\n%s: its etcd wrote last\n    %s", node, strings.ReplaceAll(strings.TrimSpace(string(out)), "\n", "\n    "))
		return nil
	})
	return fmt.Errorf("%w%s", err, strings.Join(words, ""))
}

// glimpse is what the members at the endpoints tell at a glance.
type glimpse struct {
	endpoints []string
	asked     time.Time
	told      chan struct{} // closed when status is there
	status    etcd.Status
}

// lookAhead asks the members of a cluster all of whose nodes were ready, where they were then, while the stages before
// Up find nothing to do; nil where they are not asked.
func (r *Run) lookAhead(ctx context.Context) *glimpse {
	token, found, err := discovery.Read(r.vm(), r.Prefix)
	if err != nil || !found || !r.Ready {
		return nil
	}
	ahead := &glimpse{asked: time.Now(), told: make(chan struct{})}
	for _, node := range r.members() {
		report, ok := r.reach().Kept(node.Name)
		if !ok {
			return nil
		}
		ahead.endpoints = append(ahead.endpoints, clientURL(token, report.Address(node.MAC)))
	}
	helper, ctx := r.membersHelper(), context.WithoutCancel(ctx) // the stage that begins it ends before
	go func() {
		defer close(ahead.told)
		ahead.status = atAGlance(ctx, helper, ahead.endpoints)
	}()
	return ahead
}

func atAGlance(ctx context.Context, helper etcd.Helper, endpoints []string) etcd.Status {
	ctx, cancel := context.WithTimeout(ctx, membersPatience)
	defer cancel()
	return helper.Glance(ctx, endpoints)
}

// seenEtcd is what the members tell at a glance; if they were asked a moment ahead, what they told then.
func (r *Run) seenEtcd(ctx context.Context, endpoints []string) etcd.Status {
	if ahead := r.etcdSeen; ahead != nil && slices.Equal(ahead.endpoints, endpoints) && time.Since(ahead.asked) < aMoment {
		<-ahead.told
		return ahead.status
	}
	return atAGlance(ctx, r.membersHelper(), endpoints)
}

// clientURL is where the member at the address serves its clients.
func (r *Run) clientURL(address string) string {
	return clientURL(discovery.Token{TLS: r.current().TLS()}, address)
}

func clientURL(token discovery.Token, address string) string {
	return token.Scheme() + "://" + net.JoinHostPort(address, clientPort)
}

// endpointsOf are the client URLs of all nodes' members, in the nodes' order, and the nodes' names by
// endpoint.
func (r *Run) endpointsOf(nodes []boot.Node) (endpoints []string, names map[string]string) {
	names = map[string]string{}
	for _, n := range nodes {
		endpoint := r.clientURL(n.Address())
		endpoints = append(endpoints, endpoint)
		names[endpoint] = n.Step.Node.Name
	}
	return endpoints, names
}

// describe is a node's etcd in a few words, for the table; formed tells that there is a cluster without it.
func describe(m etcd.Member, formed bool) string {
	told := m.Version + ", " + progress.Bytes(m.DBSize) + ", " + m.ID
	switch {
	case m.Healthy && m.Learner:
		return "learner, no vote yet, " + told
	case m.Healthy && m.IsLeader():
		return "healthy, leader, " + told
	case m.Healthy:
		return "healthy, " + told
	case formed && m.ID == "":
		return "no member"
	}
	return "not healthy: " + m.Error
}
