package command

import (
	"context"
	"errors"
	"fmt"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/wait"
)

// Stop shuts nodes down: by ACPI, and after grace= by force. node= names one, else it is all of the cluster.
func Stop(ctx context.Context, r *Run) error {
	return eachNode(ctx, r, func(d engine.Domain) error { return stopping(r).Stop(ctx, d) })
}

// Start boots nodes that are there and do not run.
func Start(ctx context.Context, r *Run) error {
	return eachNode(ctx, r, func(d engine.Domain) error { return startAgain(ctx, r, d) })
}

// Restart stops nodes and boots them again. A changed definition takes effect.
func Restart(ctx context.Context, r *Run) error {
	return eachNode(ctx, r, func(d engine.Domain) error {
		if err := stopping(r).Stop(ctx, d); err != nil {
			return err
		}
		d.State = engine.ShutOff
		return startAgain(ctx, r, d)
	})
}

// eachNode does one thing for node=, or for all nodes of the cluster prefix=, or of the workspace, at once.
func eachNode(ctx context.Context, r *Run, do func(engine.Domain) error) error {
	if err := lockChosen(ctx, r); err != nil {
		return err
	}
	nodes, err := chosenNodes(r)
	if err != nil {
		return err
	}
	return errors.Join(wait.AtOnce(len(nodes), func(i int) error {
		if err := do(nodes[i]); err != nil {
			return fmt.Errorf("%s: %w", nodes[i].Name, err)
		}
		return nil
	})...)
}

// stopping is how this run shuts nodes down.
func stopping(r *Run) boot.Stopping {
	return boot.Stopping{Engine: r.conn, Grace: r.Grace, Say: r.log.Say}
}

// startAgain boots the node and waits until it is ready.
func startAgain(ctx context.Context, r *Run, d engine.Domain) error {
	b := r.booter("", nothingMade).One(ctx, plan.Step{Node: r.ws().NodeOf(d.Metadata), Running: d.State == engine.Running})
	if b.Err != nil {
		return errors.Unwrap(b.Err) // which has the node's name, as eachNode's
	}
	if !r.Ready { // from now on it may be in use, and nobody sees whether it was ready
		return workspace.Forget(b.Step.Node.Fresh())
	}
	return r.access(d.Metadata.Cluster).Trust(boot.Reports([]boot.Node{b}))
}
