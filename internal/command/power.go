package command

import (
	"context"
	"errors"
	"fmt"

	"coreos-libvirt/internal/cluster/apply"
	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/wait"
)

// Stop shuts nodes down: by ACPI, and after grace= by force. node= names one, else it is all of the cluster.
func Stop(ctx context.Context, r *Run) error {
	return eachNode(ctx, r, "stop", func(d engine.Domain) error { return stop(ctx, r, d) })
}

// Start boots nodes that are there and do not run.
func Start(ctx context.Context, r *Run) error {
	return eachNode(ctx, r, "start", func(d engine.Domain) error { return startAgain(ctx, r, d) })
}

// Restart stops nodes and boots them again. A changed definition takes effect.
func Restart(ctx context.Context, r *Run) error {
	return eachNode(ctx, r, "restart", func(d engine.Domain) error {
		if err := startable(ctx, r, d); err != nil {
			return err
		}
		if err := stop(ctx, r, d); err != nil {
			return err
		}
		d.State = engine.ShutOff
		return startAgain(ctx, r, d)
	})
}

// eachNode does one thing for node=, or for all nodes of the cluster prefix=, or of the workspace, at once. target is what is
// done, as it was asked for.
func eachNode(ctx context.Context, r *Run, target string, do func(engine.Domain) error) error {
	if err := namesNodes(r, target); err != nil {
		return err
	}
	if err := lockChosen(ctx, r); err != nil {
		return err
	}
	if err := sayStrangers(r); err != nil {
		return err
	}
	nodes, err := chosenNodes(r)
	if err != nil {
		return err
	}
	for _, cluster := range prefixesOf(nodes) {
		if err := rolledBack(r, cluster); err != nil && target != "stop" {
			return err
		}
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

// stop shuts the node down. One that somebody has undefined while it ran is defined again before: libvirt would forget it.
func stop(ctx context.Context, r *Run, d engine.Domain) error {
	if d.Transient {
		if _, err := apply.Define(r.conn, r.ws().NodeOf(d.Metadata), d.XML); err != nil {
			return err
		}
		r.log.Say("%s: somebody had undefined it while it ran; it is defined again", d.Name)
	}
	return stopping(r).Stop(ctx, d)
}

// startAgain boots the node and waits until it is ready.
func startAgain(ctx context.Context, r *Run, d engine.Domain) error {
	if err := startable(ctx, r, d); err != nil {
		return err
	}
	b := r.booter(nil, nothingMade).One(ctx, plan.Step{Node: r.ws().NodeOf(d.Metadata), Running: d.State == engine.Running})
	if b.Err != nil {
		return errors.Unwrap(b.Err) // which has the node's name, as eachNode's
	}
	if !r.Ready { // from now on it may be in use, and nobody sees whether it was ready
		return workspace.Forget(b.Step.Node.Fresh())
	}
	return r.access(d.Metadata.Cluster).Trust(boot.Reports([]boot.Node{b}))
}

// startable is an error if the node would not boot from what it was booted from before.
func startable(ctx context.Context, r *Run, d engine.Domain) error {
	if err := hasStayed(r, d); err != nil {
		return err
	}
	node := r.ws().NodeOf(d.Metadata)
	disk, err := r.conn.Disks().Look(ctx, node.Files(), d)
	seen := r.conn.Disks().Seen(node.Files())
	if err != nil {
		return err
	}
	if !disk.Exists && disk.Instead == "" {
		return hint.Errorf(fmt.Sprintf("put the file back, or `%s` recreates the node", upAsCalled(r.Settings, "recreate="+d.Name)),
			"its disk %s is gone", r.ws().Relative(seen.Overlay))
	}
	return refusal(r.Settings, d.Name, r.at().Unbootable(node, seen, disk, d.Metadata))
}

// hasStayed is an error if the node's definition has paths of where the workspace was before.
func hasStayed(r *Run, d engine.Domain) error {
	if !workspace.HasMoved(r.ws(), d) {
		return nil
	}
	return hint.Errorf("`"+asCalled(r.Settings, "define", "prefix="+d.Metadata.Cluster)+"` writes the new ones",
		"the workspace was moved from %s, and its definition has the paths of before", d.Metadata.Workspace)
}

// sayStrangers says which domains that carry the mark of a node are not the workspace's.
func sayStrangers(r *Run) error {
	domains, err := r.domains()
	if err != nil {
		return err
	}
	for _, line := range r.ws().Strangers(domains, chosen(r).prefix) {
		r.log.Say("%s", line)
	}
	return nil
}
