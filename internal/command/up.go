package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
)

// Up boots the defined nodes together, waits until each says that it can be reached and, where the
// config asks for discovery, until their etcd is healthy.
func (r *Run) Up(ctx context.Context) error {
	defer r.keepTimes()
	if err := r.upAll(ctx); err != nil {
		return err
	}
	for _, step := range r.steps {
		if err := os.Remove(step.Node.Fresh()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	r.sayOld()
	return nil
}

func (r *Run) upAll(ctx context.Context) error {
	if slices.ContainsFunc(r.steps, plan.Step.Changes) {
		r.etcdSeen = nil // it was as they were before
	}
	if err := r.recreateTogether(ctx); err != nil {
		return err
	}
	server, err := r.serveNewcomers(ctx)
	if err != nil {
		return err
	}
	defer server.Close()
	nodes, broken := r.bootAll(ctx)
	if ctx.Err() != nil {
		return broken
	}
	var status etcd.Status
	if broken == nil {
		status, err = r.settle(ctx, nodes, server)
	} else if r.KeepGoing && r.Ready {
		status, err = r.settleOthers(ctx, nodes)
	}
	nodes = withUndefined(nodes, r.members(), errors.Join(r.failed...))
	return errors.Join(nodesTable(nodes, status, r.clientURL).Print(r.log.Writer()), broken, err)
}

// settle makes of nodes that are ready the cluster that is wanted.
func (r *Run) settle(ctx context.Context, nodes []boot.Node, server *etcd.Server) (status etcd.Status, err error) {
	if err := r.certify(ctx, boot.Reachable(nodes)...); err != nil {
		return status, err
	}
	if err := r.recreateInTurn(ctx, nodes); err != nil {
		return status, err
	}
	if !r.Ready {
		r.log.Say("ready=off: the nodes run, whether they can be reached is not known (`mage status ready=off` looks for them)")
	}
	if !r.Ready || r.generation.Token == nil {
		return status, r.shrink(ctx, status)
	}
	err = r.guarded(ctx, nodes, func(ctx context.Context) (err error) {
		status, err = r.formEtcd(ctx, nodes, server)
		return err
	})
	if err != nil {
		return status, err
	}
	return r.asWanted(ctx, nodes, status)
}

// settleOthers gives the nodes that are ready what they need, while others have failed: certificates, and discovery for
// as long as their etcd may still be formed. Members come and go only where all nodes are well.
func (r *Run) settleOthers(ctx context.Context, nodes []boot.Node) (status etcd.Status, err error) {
	nodes = boot.Reachable(nodes)
	if r.generation.Token == nil || len(nodes) == 0 {
		return status, nil
	}
	if err := r.certify(ctx, nodes...); err != nil {
		return status, err
	}
	if quorum := r.generation.Token.Size/2 + 1; !r.generation.Token.Formed && (len(nodes) < quorum || allFresh(nodes)) {
		return status, hint.Errorf("`mage up` goes on when the others are made anew", "etcd: %d of the %d nodes that it is formed of are ready", len(nodes), r.generation.Token.Size)
	}
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	err = r.guarded(ctx, nodes, func(ctx context.Context) (err error) {
		status, err = r.awaitQuorum(ctx, nodes)
		return err
	})
	if err == nil {
		r.log.Say("etcd: healthy without those that failed, %d of %d members", len(status.Healthy()), len(status.Peers.Voters()))
	}
	return status, err
}

// allFresh tells whether no node was in a run of `up` that came to its end: its etcd has then never been formed, and is
// formed of all its nodes only.
func allFresh(nodes []boot.Node) bool {
	return !slices.ContainsFunc(nodes, func(n boot.Node) bool {
		_, err := os.Stat(n.Step.Node.Fresh())
		return err != nil
	})
}

// serveNewcomers serves discovery from before the first node boots, if any does. Nodes that have been in use can
// do without: their etcd has found the others before.
func (r *Run) serveNewcomers(ctx context.Context) (*etcd.Server, error) {
	starting := slices.DeleteFunc(slices.Clone(r.steps), func(s plan.Step) bool { return !s.Starts() })
	if len(starting) == 0 {
		return nil, nil
	}
	server, err := r.generation.Serve(ctx, r.generationOptions())
	for _, step := range starting {
		if _, used := os.Stat(step.Node.Fresh()); err == nil || used == nil {
			return server, err
		}
	}
	r.log.Say("warning: %s", hint.FirstLine(err))
	return nil, nil
}

// bootAll starts and watches all nodes at once. The error has a line for every node that failed, now or
// in Define: the others go on, unless keep_going=false.
func (r *Run) bootAll(ctx context.Context) ([]boot.Node, error) {
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	nodes := make([]boot.Node, len(r.steps))
	var all sync.WaitGroup
	for i, step := range r.steps {
		if nodes[i].Step = step; step.Action == plan.Recreate {
			continue // what it is now is of no interest
		}
		all.Go(func() {
			if nodes[i] = r.boot(ctx, step); nodes[i].Err != nil && !r.KeepGoing {
				giveUp(errGivenUp)
			}
		})
	}
	all.Wait()
	errs := append([]error{r.trust(nodes)}, r.failed...)
	for _, n := range nodes {
		errs = append(errs, n.Err)
	}
	return nodes, errors.Join(errs...)
}

// errGivenUp is what the other nodes' wait ends with where keep_going=false and one has failed.
var errGivenUp = hint.Errorf("`mage up` waits for it again", "not waited for any more: another node has failed, and keep_going=false")

// boot brings one node from whatever state it is in to ready.
func (r *Run) boot(ctx context.Context, step plan.Step) boot.Node {
	begin := time.Now()
	b := boot.Node{Step: step}
	shown := r.log.Track(step.Node.Name, "start", step.Node.Number)
	moved := func(phase string) {
		shown.Phase(phase)
		if !step.Running {
			r.times.Reach(step.Node.Name, phase)
		}
	}
	if b.Err = r.start(ctx, step); b.Err != nil && ctx.Err() == nil {
		b.Err = errors.Join(b.Err, r.applier().Undo(step))
	} else if b.Err == nil && r.Ready {
		b.Report, b.Err = r.await(ctx, step, moved, shown.Phase)
	}
	b.Took = time.Since(begin)
	if b.Err == nil && r.Ready {
		r.times.Ready(step.Node.Name, b.Report)
	}
	shown.Done()
	switch {
	case b.Err != nil:
		b.Err = fmt.Errorf("%s: %w", step.Node.Name, b.Err)
	case step.Running && r.Ready:
		r.log.Say("%s: running and ready, %s", step.Node.Name, b.Address())
	case r.Ready:
		r.log.Say("%s: ready, %s (%s)", step.Node.Name, b.Address(), progress.Seconds(b.Took))
	}
	return b
}

// start boots the node, unless it runs. Its console log begins anew with each boot, and belongs to
// the user: libvirt's log daemon only appends to it. A paused node goes on where it was.
func (r *Run) start(ctx context.Context, step plan.Step) error {
	if step.Running || ctx.Err() != nil {
		return context.Cause(ctx)
	}
	conn, err := r.libvirt()
	if err != nil {
		return err
	}
	state, err := conn.State(step.Node.Name)
	if err != nil {
		return err
	}
	if state != engine.Paused {
		r.times.Reach(step.Node.Name, "start")
		_ = os.Rename(step.Node.Report(), step.Node.EarlierReport())
		if err := os.WriteFile(step.Node.Console(), nil, 0o600); err != nil {
			return fmt.Errorf("cannot begin the console log: %w", err)
		}
	}
	begin := time.Now()
	if err := conn.Start(step.Node.Name); err != nil {
		return err
	}
	r.log.Say("%s: %s", step.Node.Name, startWord(state))
	if state != engine.Paused {
		r.times.ReachAt(step.Node.Name, "firmware", conn.Started(step.Node.Name, begin))
	}
	return nil
}

func startWord(was engine.State) string {
	switch was {
	case engine.Paused:
		return "it was paused and goes on"
	case engine.Crashed:
		return "booting, it had crashed"
	}
	return "booting"
}

// await waits for the node's report, for as long as timeout= allows, and ends early where its boot has failed. Why the node
// cannot be reached yet goes to waits, as often as it says so.
func (r *Run) await(ctx context.Context, step plan.Step, moved, waits func(string)) (guest.Report, error) {
	if report, ok := r.reach().Remembered(ctx, step.Node.Name); ok {
		return report, nil
	}
	limit := r.patience(step.Node.Name)
	limited, enough := context.WithTimeout(ctx, limit)
	defer enough()
	watched, cancel := context.WithCancelCause(limited)
	defer cancel(nil)
	var watching sync.WaitGroup
	for _, watch := range []func() error{
		func() error { return r.watchFailure(watched, step, guest.NewConsole(step.Node.Console()), moved) },
		func() error { return r.watchJournal(watched, step) },
	} {
		watching.Go(func() {
			if err := watch(); err != nil {
				cancel(err)
			}
		})
	}
	last := ""
	report, err := r.reach().Report(watched, step.Node.Name, func(reason string) { last = reason; waits(reason) })
	cause := context.Cause(watched)
	cancel(nil)
	watching.Wait()
	if err != nil && errors.Is(cause, context.DeadlineExceeded) {
		report, err = r.late(ctx, step, limit, last, err)
	} else if err != nil {
		err = r.whyNotReady(step, cause, err)
	}
	if err != nil {
		return report, err
	}
	return report, r.reach().Remember(step.Node.Name, report)
}

// whyNotReady turns the end of the wait into what the user should see.
func (r *Run) whyNotReady(step plan.Step, cause, err error) error {
	if cause != nil {
		return cause
	}
	return hint.Errorf(r.relative(step.Node.Console())+" shows how far it got", "no word from the node: %w", err)
}
