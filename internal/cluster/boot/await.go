package boot

import (
	"context"
	"errors"
	"sync"
	"time"

	"coreos-libvirt/internal/cluster/reach"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// await waits for the node's report until the limit, and ends early if its boot fails. moved gets the phases that its boot
// reaches, waits why the node cannot be reached yet, as often as it says so.
func (b Booter) await(ctx context.Context, node workspace.Node, counts counted, moved, waits func(string)) (guest.Report, error) {
	if report, ok := b.Nodes.Remembered(ctx, node.Name); ok {
		return report, nil
	}
	limit := b.limit(node.Name)
	limited, enough := context.WithTimeout(ctx, limit)
	defer enough()
	last := ""
	report, cause, err := b.report(limited, node, counts, moved, func(reason string) { last = reason; waits(reason) })
	switch {
	case err == nil, errors.Is(err, reach.ErrImpossible):
	case errors.Is(cause, context.DeadlineExceeded):
		report, err = b.late(ctx, node, limit, last, err)
	case cause != nil:
		err = cause
	default:
		err = hint.Errorf(b.consoleLog(node)+" shows how far it got", "no word from the node: %w", err)
	}
	if err != nil {
		return report, err
	}
	return report, b.Nodes.Remember(node.Name, report)
}

// limit is how long the node may take to report itself: the timeout, or less if an earlier run found it in another way.
func (b Booter) limit(node string) time.Duration {
	if kept, ok := b.Nodes.Kept(node); ok && kept.BootID == "" {
		return min(b.Timeout, reach.Patience)
	}
	return b.Timeout
}

// report is what the node reports before ctx ends or its boot fails. cause says which of these it was.
func (b Booter) report(ctx context.Context, node workspace.Node, counts counted, moved, waits func(string)) (report guest.Report, cause, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	for _, watch := range []func() error{
		func() error { return b.watchFailure(ctx, node, counts, moved) },
		func() error { return b.watchJournal(ctx, node) },
	} {
		watching.Go(func() {
			if err := watch(); err != nil {
				cancel(err)
			}
		})
	}
	report, err = b.Nodes.Report(ctx, node.Name, waits)
	cause = context.Cause(ctx)
	cancel(nil)
	watching.Wait()
	return report, cause, err
}
