package members

import (
	"context"
	"fmt"
	"strings"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/reach"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace/wait"
)

// form waits until the cluster's etcd is healthy, and serves discovery until then if nobody does.
func (v View) form(ctx context.Context, nodes []boot.Node, server *etcd.Server) (etcd.Status, error) {
	token := v.Generation.Token
	size := min(token.Size, len(nodes))
	if server == nil || server.Lost() != nil { // all nodes ran before, or the cluster has formed; or discovery has to be served again
		status, is, err := known(ctx, v, nodes, size)
		if is {
			return status, err
		}
		server, err = v.Generation.Serve(ctx, v.Options)
		if err != nil && !status.Answers() {
			return status, err
		}
		defer server.Close()
	}
	return v.awaitAll(ctx, nodes, size)
}

// known is how etcd is, if there is nothing to wait for: it is healthy, or nothing will make it so.
func known(ctx context.Context, v View, nodes []boot.Node, size int) (status etcd.Status, known bool, err error) {
	token, endpoints := v.Generation.Token, v.endpoints(nodes)
	if status := v.glance(ctx, endpoints); status.Check(len(nodes)) == nil {
		return status, true, nil
	}
	status, err = v.Client().Status(ctx, endpoints, answerWithin)
	switch {
	case err != nil:
		return status, false, nil // it may begin to answer
	case status.Whole(size) == nil || isFinal(status):
		return status, true, status.Whole(size)
	case !status.Answers() && !token.Formed && token.Size > len(nodes):
		return status, true, hint.Errorf(fmt.Sprintf("nodes=%d; or recreate=all, which makes a new cluster of nodes=%d", token.Size, len(nodes)),
			"etcd has never formed, and its token is for %d members: it cannot form of %d", token.Size, len(nodes))
	}
	return status, false, nil
}

// isFinal reports whether no patience makes etcd healthy: it wants a user, or an alarm keeps it from taking writes.
func isFinal(status etcd.Status) bool { return status.Refused() != nil || status.IsReadOnly() }

// awaitAll waits until all of etcd's members are healthy or, if no cluster answers, size of them. The error has the last
// lines of the journals of those that are not.
func (v View) awaitAll(ctx context.Context, nodes []boot.Node, size int) (etcd.Status, error) {
	names := v.Names(nodes)
	begin := time.Now()
	healthy := map[string]bool{}
	waiting, cancel := context.WithTimeout(ctx, v.Timeout)
	defer cancel()
	status, err := v.Client().WaitHealthy(waiting, v.endpoints(nodes), size, func(s etcd.Status) {
		for _, m := range s.Healthy() {
			if name := names[m.Endpoint]; name != "" && !healthy[m.Endpoint] {
				v.Times.Reach(name, "etcd")
				v.Log.Say("%s: etcd member healthy (%s)", name, progress.Seconds(time.Since(begin)))
			}
			healthy[m.Endpoint] = true
		}
	})
	if err != nil && !isFinal(status) { // else their journals do not say more
		err = v.SSH.withJournals(ctx, err, unhealthy(nodes, status)...)
	}
	return status, err
}

// AwaitHealthy waits until the members of all nodes are healthy, as those of a cluster that has formed.
func AwaitHealthy(ctx context.Context, v View, nodes []boot.Node) (etcd.Status, error) {
	if status, err := v.StatusOf(ctx, nodes); err != nil || status.Check(len(nodes)) == nil {
		return status, err
	}
	return v.awaitAll(ctx, nodes, len(nodes))
}

// unhealthy are the nodes whose members are not healthy. status is of the nodes, in their order.
func unhealthy(nodes []boot.Node, status etcd.Status) (unwell []boot.Node) {
	for i, n := range nodes {
		if i >= len(status.Members) || !status.Members[i].Healthy {
			unwell = append(unwell, n)
		}
	}
	return unwell
}

// awaitQuorum waits until so many members are healthy that etcd can be used.
func (v View) awaitQuorum(ctx context.Context, nodes []boot.Node) (etcd.Status, error) {
	waiting, enough := context.WithCancel(ctx)
	defer enough()
	has := func(s etcd.Status) bool { return s.Answers() && len(s.Healthy()) > len(s.Peers.Voters())/2 }
	status, err := v.Client().WaitHealthy(waiting, v.endpoints(nodes), len(nodes), func(s etcd.Status) {
		if has(s) {
			enough()
		}
	})
	if has(status) {
		err = nil
	}
	return status, err
}

// journal prints the last lines of what the node's etcd wrote, however its unit is called (journalctl(1), --unit=).
const journal = `sudo -n journalctl -u 'etcd*' -n 20 --no-pager -o cat 2>/dev/null || journalctl -u 'etcd*' -n 20 --no-pager -o cat`

// withJournals adds to err the last lines that the nodes' etcd wrote, as far as ssh brings them.
func (s SSH) withJournals(ctx context.Context, err error, nodes ...boot.Node) error {
	if ctx.Err() != nil { // the user does not want to wait
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, reach.Patience)
	defer cancel()
	texts := make([]string, len(nodes))
	_ = wait.Each(len(nodes), func(i int) error {
		said, failed := guest.Said(s.command(ctx, nodes[i], journal))
		if failed != nil {
			said = fmt.Sprintf("its journal cannot be read: %v: %s", failed, said)
		}
		lines := strings.ReplaceAll(said, "\n", "\n    ")
		texts[i] = fmt.Sprintf("\n%s: its etcd wrote last\n    %s", nodes[i].Step.Node.Name, lines)
		return nil
	})
	return fmt.Errorf("%w%s", err, strings.Join(texts, ""))
}
