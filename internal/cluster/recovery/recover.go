package recovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/etcdunit"
	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/etcd/metrics"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
	"coreos-libvirt/internal/workspace/wait"
)

// force starts etcd, the unit $1, once with --force-new-cluster. The variable is the service manager's for as long as that takes: no file
// has it, so the next start is without, whatever ends this one (systemctl(1), set-environment; etcd takes each flag from ETCD_…).
const force = `trap "systemctl unset-environment ETCD_FORCE_NEW_CLUSTER" EXIT
systemctl set-environment ETCD_FORCE_NEW_CLUSTER=true && systemctl restart "$1"`

// forcedWithin is how long a member may be one of several after it has been started: as long as it reads its log.
const forcedWithin = time.Minute

// Recover makes a cluster of the member that is kept. The other nodes may be recreated from then on, which the next `up` does. A
// majority that has come back meanwhile ends it before anything is changed.
func Recover(ctx context.Context, v members.View, l Loss) error {
	return recoverWithin(ctx, v, l, max(v.Options.Helper.Patience, forcedWithin))
}

// recoverWithin gives a member that was started so long to be the only one.
func recoverWithin(ctx context.Context, v members.View, l Loss, patience time.Duration) error {
	ctx, cancel := etcdunit.Limited(ctx, v)
	defer cancel()
	client, err := clientOf(v)
	if err != nil {
		return err
	}
	name := l.Kept.name()
	now, err := ask(ctx, v, client, l.Kept.Node)
	switch {
	case err != nil:
		return fmt.Errorf("%s: its member does not answer any more: %w", name, err)
	case now.HasLeader:
		return etcdLives(v, "the member of "+name+" sees a leader again")
	}
	v.Log.Say("%s: its etcd starts as a cluster of its own", name)
	if err := forceOn(ctx, v, l.Kept.Node); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	state, err := awaitAlone(ctx, v, client, Survivor{l.Kept.Node, now}, patience)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	v.Log.Say("%s: etcd is healthy, with 1 member; it has all up to revision %d", name, state.Revision)
	return mayBeRecreated(l)
}

func forceOn(ctx context.Context, v members.View, node boot.Node) error {
	at, err := etcdunit.Find(ctx, v.SSH, node)
	if err != nil {
		return err
	}
	if _, err = etcdunit.Run(ctx, v.SSH, node, nil, "recover", force, at); err != nil {
		return fmt.Errorf("its etcd cannot be restarted: %w", err)
	}
	return nil
}

// awaitAlone waits until the member is the only one of a cluster that answers. before is how it was before it was started.
func awaitAlone(ctx context.Context, v members.View, client *http.Client, before Survivor, patience time.Duration) (state metrics.State, err error) {
	since := time.Time{} // the new process answers
	for {
		state, err = ask(ctx, v, client, before.Node)
		if err == nil && state.Started != before.State.Started {
			switch since = cmp.Or(since, time.Now()); {
			case state.ID != before.State.ID:
				return state, errors.New("its etcd is another member than it was: its data are gone")
			case state.Size == 1 && state.HasLeader:
				return state, awaitHealthy(ctx, v, before.Node)
			case time.Since(since) > patience:
				return state, hint.Errorf("if the config runs etcd in a container, that must get the variable: --env=ETCD_FORCE_NEW_CLUSTER, as in ignition/files/etcd.sh",
					"its etcd was started with ETCD_FORCE_NEW_CLUSTER=true in the environment, and is one of %d members all the same", state.Size)
			}
		}
		if !wait.Sleep(ctx, poll) {
			return state, fmt.Errorf("its etcd is not healthy as a cluster of its own: %w", cmp.Or(err, context.Cause(ctx)))
		}
	}
}

// awaitHealthy waits until the member does what a client asks for.
func awaitHealthy(ctx context.Context, v members.View, node boot.Node) error {
	_, err := members.AwaitHealthy(ctx, v, []boot.Node{node})
	return err
}

// mayBeRecreated marks the nodes whose members are none any more: what they have of etcd is of no use.
func mayBeRecreated(l Loss) error {
	nodes := []workspace.Node{}
	for _, o := range l.Others {
		nodes = append(nodes, o.Node.Step.Node)
	}
	for _, s := range l.Silent {
		nodes = append(nodes, s.Node)
	}
	for _, node := range nodes {
		if _, err := os.Stat(node.Dir); err != nil { // nothing is left of it
			continue
		}
		if err := artifact.Write(node.Fresh(), nil, 0o644); err != nil {
			return err
		}
	}
	return nil
}
