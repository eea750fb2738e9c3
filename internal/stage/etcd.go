package stage

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"coreos-libvirt/internal/discovery"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/progress"
)

// clientPort is where etcd's clients reach a member (IANA: etcd-client).
const clientPort = "2379"

// membersPatience is how long one question to the members may take.
const membersPatience = 3 * time.Second

// formEtcd waits until the cluster's etcd is healthy, and serves discovery until then if nobody does.
func (r *Run) formEtcd(ctx context.Context, nodes []booted, server *etcd.Server) (etcd.Status, error) {
	endpoints, names := r.endpointsOf(nodes)
	size := min(r.token.Size, len(nodes))
	if server == nil { // all nodes ran before
		status := r.seenEtcd(ctx, endpoints)
		if status.Check(size) == nil {
			return status, nil
		}
		var err error
		if server, err = r.serveDiscovery(ctx); err != nil {
			return status, err
		}
		defer server.Close()
	}
	begin := time.Now()
	healthy := map[string]bool{}
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	return r.membersHelper().WaitHealthy(ctx, endpoints, size, func(s etcd.Status) {
		for _, m := range s.Healthy() {
			if !healthy[m.Endpoint] {
				r.times.reach(names[m.Endpoint], "etcd")
				r.log.Say("%s: etcd member healthy (%s)", names[m.Endpoint], progress.Seconds(time.Since(begin)))
			}
			healthy[m.Endpoint] = true
		}
	})
}

// glimpse is what the members at the endpoints tell at a glance.
type glimpse struct {
	endpoints []string
	status    etcd.Status
}

// lookAhead asks the members of a cluster all of whose nodes were ready, where they were then, while it is seen whether
// the nodes still are.
func (r *Run) lookAhead(ctx context.Context) {
	endpoints := []string{}
	for _, step := range r.steps {
		report, ok := r.kept(step.Node.Name)
		if !ok || r.token == nil || !r.Ready || step.Starts() {
			return
		}
		endpoints = append(endpoints, r.clientURL(report.Address(step.Node.MAC)))
	}
	seen := make(chan glimpse, 1)
	r.etcdSeen = seen
	go func() { seen <- r.glance(ctx, endpoints) }()
}

func (r *Run) glance(ctx context.Context, endpoints []string) glimpse {
	ctx, cancel := context.WithTimeout(ctx, membersPatience)
	defer cancel()
	return glimpse{endpoints, r.membersHelper().Glance(ctx, endpoints)}
}

// seenEtcd is what the members tell at a glance, if they were asked ahead, what they told then.
func (r *Run) seenEtcd(ctx context.Context, endpoints []string) etcd.Status {
	if r.etcdSeen != nil {
		if ahead := <-r.etcdSeen; slices.Equal(ahead.endpoints, endpoints) {
			return ahead.status
		}
	}
	return r.glance(ctx, endpoints).status
}

// clientURL is where the member at the address serves its clients.
func (r *Run) clientURL(address string) string {
	return discovery.Token{TLS: r.speaksTLS()}.Scheme() + "://" + net.JoinHostPort(address, clientPort)
}

// endpointsOf are the client URLs of all nodes' members, in the nodes' order, and the nodes' names by
// endpoint.
func (r *Run) endpointsOf(nodes []booted) (endpoints []string, names map[string]string) {
	names = map[string]string{}
	for _, n := range nodes {
		endpoint := r.clientURL(n.address())
		endpoints = append(endpoints, endpoint)
		names[endpoint] = n.step.Node.Name
	}
	return endpoints, names
}

// describe is a node's etcd in a few words, for the table; formed tells that the cluster has its size
// without it.
func describe(m etcd.Member, formed int) string {
	switch {
	case m.Healthy && m.IsLeader():
		return "healthy, leader, " + m.Version
	case m.Healthy:
		return "healthy, " + m.Version
	case formed > 0:
		return fmt.Sprintf("no member: the cluster was formed of %d", formed)
	}
	return "not healthy: " + m.Error
}
