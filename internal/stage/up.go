package stage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"coreos-libvirt/internal/cluster"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/hint"
	"coreos-libvirt/internal/progress"
)

// booted is what became of one node.
type booted struct {
	step   cluster.Step
	report guest.Report
	err    error
	took   time.Duration
}

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
	return nil
}

func (r *Run) upAll(ctx context.Context) error {
	server, err := r.serveNewcomers(ctx)
	if err != nil {
		return err
	}
	defer server.Close()
	if err := r.recreateTogether(ctx); err != nil {
		return err
	}
	nodes, err := r.bootAll(ctx)
	if err != nil {
		return err
	}
	if err := r.certify(ctx, reachable(nodes)...); err != nil {
		return err
	}
	if err := r.recreateInTurn(ctx, nodes); err != nil {
		return err
	}
	if !r.Ready {
		r.log.Say("ready=off: the nodes run, whether they can be reached is not known (`mage status ready=off` looks for them)")
		return r.shrink(ctx, etcd.Status{})
	}
	if r.token == nil {
		return errors.Join(r.shrink(ctx, etcd.Status{}), r.printNodes(nodes, etcd.Status{}))
	}
	status, err := r.formEtcd(ctx, nodes, server)
	if err == nil {
		status, err = r.grow(ctx, nodes, status)
	}
	if err == nil {
		err = r.shrink(ctx, status)
	}
	return errors.Join(r.printNodes(nodes, status), err)
}

// serveNewcomers serves discovery from before the first node boots, if any does.
func (r *Run) serveNewcomers(ctx context.Context) (*etcd.Server, error) {
	for _, step := range r.steps {
		if step.Starts() {
			return r.serveDiscovery(ctx)
		}
	}
	return nil, nil
}

// bootAll starts and watches all nodes at once. The error has a line for every node that failed, now or
// in Define: the others go on, unless keep_going=false.
func (r *Run) bootAll(ctx context.Context) ([]booted, error) {
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	nodes := make([]booted, len(r.steps))
	var all sync.WaitGroup
	for i, step := range r.steps {
		if nodes[i].step = step; step.Action == cluster.Recreate {
			continue // what it is now is of no interest
		}
		all.Go(func() {
			if nodes[i] = r.boot(ctx, step); nodes[i].err != nil && !r.KeepGoing {
				giveUp()
			}
		})
	}
	all.Wait()
	errs := append([]error{r.trust(nodes)}, r.failed...)
	for _, n := range nodes {
		errs = append(errs, n.err)
	}
	return nodes, errors.Join(errs...)
}

// boot brings one node from whatever state it is in to ready.
func (r *Run) boot(ctx context.Context, step cluster.Step) booted {
	begin := time.Now()
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	b := booted{step: step}
	shown := r.log.Track(step.Node.Name, "start", step.Node.Number)
	moved := func(phase string) {
		shown.Phase(phase)
		r.times.reach(step.Node.Name, phase)
	}
	if b.err = r.start(ctx, step); b.err != nil && ctx.Err() == nil {
		b.err = errors.Join(b.err, r.undo(step))
	} else if b.err == nil && r.Ready {
		b.report, b.err = r.await(ctx, step, moved)
	}
	b.took = time.Since(begin)
	r.times.reach(step.Node.Name, "ready")
	shown.Done()
	switch {
	case b.err != nil:
		b.err = fmt.Errorf("%s: %w", step.Node.Name, b.err)
	case step.Running && r.Ready:
		r.log.Say("%s: running and ready, %s", step.Node.Name, b.address())
	case r.Ready:
		r.log.Say("%s: ready, %s (%s)", step.Node.Name, b.address(), progress.Seconds(b.took))
	}
	return b
}

func (b booted) address() string { return b.report.Address(b.step.Node.MAC) }

// start boots the node, unless it runs. Its console log begins anew with each boot, and belongs to
// the user: libvirt's log daemon only appends to it.
func (r *Run) start(ctx context.Context, step cluster.Step) error {
	if step.Running || ctx.Err() != nil {
		return ctx.Err()
	}
	conn, err := r.libvirt()
	if err != nil {
		return err
	}
	r.times.reach(step.Node.Name, "start")
	_ = os.Remove(r.reportFile(step.Node.Name)) // of an earlier boot
	if err := os.WriteFile(step.Node.Console(), nil, 0o600); err != nil {
		return fmt.Errorf("cannot begin the console log: %w", err)
	}
	if err := conn.Start(step.Node.Name); err != nil {
		return err
	}
	r.times.reach(step.Node.Name, "firmware")
	r.log.Say("%s: booting", step.Node.Name)
	return nil
}

// await waits for the node's report, and ends early where its boot has failed.
func (r *Run) await(ctx context.Context, step cluster.Step, moved func(phase string)) (guest.Report, error) {
	if report, ok := r.remembered(ctx, step.Node.Name); ok {
		return report, nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var watching sync.WaitGroup
	for _, watch := range []func() error{
		func() error { return r.watchFailure(ctx, step, moved) },
		func() error { return r.watchJournal(ctx, step) },
	} {
		watching.Go(func() {
			if err := watch(); err != nil {
				cancel(err)
			}
		})
	}
	report, err := r.report(ctx, step.Node.Name)
	if err != nil {
		err = r.whyNotReady(ctx, step, err)
	}
	cancel(nil)
	watching.Wait()
	return report, errors.Join(err, r.remember(step.Node.Name, report, err))
}

// whyNotReady turns the end of the wait into what the user should see.
func (r *Run) whyNotReady(ctx context.Context, step cluster.Step, err error) error {
	console := r.relative(step.Node.Console())
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, context.DeadlineExceeded):
		return hint.Errorf(fmt.Sprintf("%s shows how far it got; timeout= allows more time", console), "not ready after %s", r.Timeout)
	case errors.Is(cause, context.Canceled):
		return cause
	case cause != nil:
		return cause
	}
	return hint.Errorf(console+" shows how far it got", "no word from the node: %w", err)
}
