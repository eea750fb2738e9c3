// Package members is the life of etcd's members on a cluster's nodes: they come, get their vote, are replaced and leave, one
// after the other, and only while the others are healthy.
package members

import (
	"cmp"
	"context"
	"net"
	"os/exec"
	"slices"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/members/voters"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/cluster/reach"
	"coreos-libvirt/internal/cluster/timeline"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace/wait"
)

// clientPort is where etcd's clients reach a member (IANA: etcd-client).
const clientPort = "2379"

// answerWithin is how long one question to the members may take.
const answerWithin = 3 * time.Second

// View is a cluster's etcd as this host sees it. It changes no member.
type View struct {
	Options    generation.Options // the cluster's prefix, the nodes that are wanted, the helper that asks etcd
	Generation generation.Generation
	Reach      reach.Nodes
	SSH        SSH
	Timeout    time.Duration // how long etcd may take to be healthy
	Log        *progress.Log
	Times      *timeline.Record

	Domains map[string]engine.Domain // as they were before this run changed any, by name
	Ahead   *Ahead                   // what the members said a moment ago; nil if nobody asked them

	startWithin time.Duration // how long a learner may take to start; 0 is a minute
}

// SSH is the way into the nodes.
type SSH struct {
	Access guest.Access
	User   string
}

// command runs on the node.
func (s SSH) command(ctx context.Context, node boot.Node, command string) *exec.Cmd {
	return s.Access.Command(ctx, s.User, node.Step.Node.Name, node.Address(), command)
}

// Client is the helper, with the credentials that the members want to see.
func (v View) Client() etcd.Helper { return v.Generation.Members(v.Options.Helper) }

// ClientURL is where the member at the address serves its clients.
func (v View) ClientURL(address string) string {
	return discovery.Token{TLS: v.Generation.TLS()}.Scheme() + "://" + net.JoinHostPort(address, clientPort)
}

// endpoints are the client URLs of all nodes' members, in the nodes' order.
func (v View) endpoints(nodes []boot.Node) []string {
	urls := []string{}
	for _, n := range nodes {
		urls = append(urls, v.ClientURL(n.Address()))
	}
	return urls
}

// Names are the nodes' names, by their members' client URLs.
func (v View) Names(nodes []boot.Node) map[string]string {
	names := map[string]string{}
	for _, n := range nodes {
		names[v.ClientURL(n.Address())] = n.Step.Node.Name
	}
	return names
}

// Endpoints are the client URLs of the members.
func Endpoints(members []etcd.Member) []string {
	urls := []string{}
	for _, m := range members {
		urls = append(urls, m.Endpoint)
	}
	return urls
}

// Reached are the cluster's nodes with a member of etcd that run and say where they are.
func (v View) Reached(ctx context.Context) ([]boot.Node, error) {
	opened, err := v.Reach.Engine()
	if err != nil {
		return nil, err
	}
	domains, err := opened.Domains()
	if err != nil {
		return nil, err
	}
	running := v.running(domains)
	asked := make([]boot.Node, len(running))
	errs := wait.Each(len(running), func(i int) error {
		report, err := v.Reach.Whereabouts(ctx, running[i])
		asked[i] = boot.Node{Step: plan.Step{Node: v.Reach.NodeOf(running[i].Metadata)}, Report: report}
		return err
	})
	nodes := []boot.Node{}
	for i, err := range errs {
		if err != nil {
			v.Log.Say("%s", hint.FirstLine(err))
			continue
		}
		nodes = append(nodes, asked[i])
	}
	if len(nodes) == 0 {
		return nil, hint.Errorf("`mage up` boots them, prefix= names another cluster", "the cluster %s has no node that can be reached", v.Options.Prefix)
	}
	return nodes, nil
}

// running are the domains that run of the cluster's nodes with a member.
func (v View) running(domains map[string]engine.Domain) []engine.Domain {
	return slices.DeleteFunc(v.Reach.Members(domains, v.Options.Prefix), func(d engine.Domain) bool {
		return d.State != engine.Running || !d.Metadata.IsMember()
	})
}

// Survey asks the members how etcd is, at the last addresses of the nodes that run. If none answers, the nodes are asked
// where they are now, unless etcd has never formed.
func (v View) Survey(ctx context.Context, neverFormed bool) (status etcd.Status, err error) {
	if last := lastEndpoints(v); len(last) > 0 {
		if status, err = v.ask(ctx, last); err != nil || status.Answers() {
			return status, cmp.Or(err, status.Refused())
		}
		if err := status.Refused(); err != nil {
			return status, err
		}
	}
	if neverFormed || !v.Reach.Ready {
		return status, nil
	}
	nodes, err := v.Reached(ctx)
	if err != nil {
		return status, nil //nolint:nilerr // no node can be reached: no member answers
	}
	if status, err = v.StatusOf(ctx, nodes); err == nil {
		err = status.Refused()
	}
	return status, err
}

// lastEndpoints are the client URLs of the members of nodes that run, where those were last.
func lastEndpoints(v View) []string {
	last := []string{}
	for _, d := range v.running(v.Domains) {
		if address := v.Reach.LastAddress(d.Name); address != "" {
			last = append(last, v.ClientURL(address))
		}
	}
	return last
}

// voters are the members at these client URLs.
func (v View) voters(endpoints []string) voters.Voters {
	return voters.Voters{Client: v.Client(), Endpoints: endpoints, Say: v.Log.Say, Within: v.startWithin}
}

// StatusOf is what the nodes' members say, in the nodes' order.
func (v View) StatusOf(ctx context.Context, nodes []boot.Node) (etcd.Status, error) {
	return v.ask(ctx, v.endpoints(nodes))
}

// ask asks the members once. The helper is built before, if it is missing.
func (v View) ask(ctx context.Context, endpoints []string) (etcd.Status, error) {
	if err := v.renewOwn(); err != nil {
		return etcd.Status{}, err
	}
	if _, err := v.Options.Helper.Build(ctx, v.Log.Say); err != nil {
		return etcd.Status{}, err
	}
	return v.Client().Status(ctx, endpoints, answerWithin)
}
