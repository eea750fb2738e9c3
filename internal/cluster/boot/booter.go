package boot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/cluster/reach"
	"coreos-libvirt/internal/cluster/timeline"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/wait"
)

// Booter has what booting nodes needs. Its methods change none of its fields.
type Booter struct {
	Engine  engine.Engine
	Nodes   reach.Nodes // of the workspace
	Log     *progress.Log
	Record  *timeline.Record
	Silence func(node string) timeline.Silence // of its console: how long is too long
	KVM     bool                               // whether the nodes run by KVM; they are emulated if not

	Ready     bool          // whether nodes are waited for until they are ready
	Timeout   time.Duration // of that
	KeepGoing bool          // whether the other nodes are waited for when one has failed

	Undo func(context.Context, plan.Step) error // takes back what this run has made for a node that cannot be started
}

// errGivenUp ends the wait for the other nodes if one has failed and KeepGoing is false.
var errGivenUp = hint.Errorf("`mage up` waits for it again", "not waited for any more: another node has failed, and keep_going=false")

// All boots the nodes at once, and waits for them. It leaves nodes alone that are to be recreated: what they are now is of no
// interest. The error has a line for each node that failed.
func (b Booter) All(ctx context.Context, steps []plan.Step) ([]Node, error) {
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	nodes := make([]Node, len(steps))
	errs := wait.AtOnce(len(steps), func(i int) error {
		if nodes[i].Step = steps[i]; steps[i].Action == plan.Recreate {
			return nil
		}
		if nodes[i] = b.One(ctx, steps[i]); nodes[i].Err != nil && !b.KeepGoing {
			giveUp(errGivenUp)
		}
		return nodes[i].Err
	})
	for name, err := range reach.Shared(Reports(nodes)) {
		i := slices.IndexFunc(nodes, func(n Node) bool { return n.Step.Node.Name == name })
		nodes[i].Err = fmt.Errorf("%s: %w", name, errors.Join(err, workspace.Forget(nodes[i].Step.Node.Report())))
		nodes[i].Report, errs[i] = guest.Report{}, nodes[i].Err
	}
	return nodes, errors.Join(errs...)
}

// One starts the node if it does not run, and waits until it is ready.
func (b Booter) One(ctx context.Context, step plan.Step) Node {
	begin := time.Now()
	n := Node{Step: step}
	shown := b.Log.Track(step.Node.Name, "start", step.Node.Number)
	n.Report, n.Err = b.boot(ctx, step, shown)
	n.Took = time.Since(begin)
	if n.Err == nil && b.Ready {
		b.Record.Ready(step.Node.Name, n.Report)
	}
	shown.Done()
	switch {
	case n.Err != nil:
		n.Err = fmt.Errorf("%s: %w", step.Node.Name, n.Err)
	case step.Running && b.Ready:
		b.Log.Say("%s: running and ready, %s", step.Node.Name, n.Address())
	case b.Ready:
		b.Log.Say("%s: ready, %s (%s)", step.Node.Name, n.Address(), progress.Seconds(n.Took))
	}
	return n
}

// boot starts the node, and gives its report once it is ready. The report is empty if nobody waits for that.
func (b Booter) boot(ctx context.Context, step plan.Step, shown *progress.Tracked) (report guest.Report, err error) {
	err = b.start(ctx, step)
	if err != nil && ctx.Err() == nil {
		err = errors.Join(err, b.Undo(ctx, step))
	}
	if err != nil || !b.Ready {
		return report, err
	}
	if step.Running {
		return b.await(ctx, step.Node, ofEarlierRun, shown.Phase, shown.Phase)
	}
	moved := func(phase string) {
		shown.Phase(phase)
		b.Record.Reach(step.Node.Name, phase)
	}
	return b.await(ctx, step.Node, ofThisRun, moved, shown.Phase)
}

// start boots the node if it does not run. Each boot has a new console log. A paused node goes on where it was.
func (b Booter) start(ctx context.Context, step plan.Step) error {
	if step.Running || ctx.Err() != nil {
		return context.Cause(ctx)
	}
	state, err := b.Engine.State(step.Node.Name)
	if err != nil {
		return err
	}
	if state != engine.Paused {
		b.Record.Reach(step.Node.Name, "start")
		_ = os.Rename(step.Node.Report(), step.Node.EarlierReport())
		if err := b.Engine.Disks().BeginLog(step.Node.Files()); err != nil {
			return err
		}
	}
	begin := time.Now()
	if err := b.Engine.Start(step.Node.Name); err != nil {
		return err
	}
	b.Log.Say("%s: %s", step.Node.Name, startWord(state))
	if state != engine.Paused {
		b.Record.ReachAt(step.Node.Name, "firmware", b.Engine.Started(step.Node.Name, begin))
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
