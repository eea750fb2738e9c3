package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
)

// Stop shuts nodes down: by ACPI, and after grace= by force. node= names one, else it is all of the cluster.
func (r *Run) Stop(ctx context.Context) error {
	return r.eachNode(ctx, r.stop)
}

// Start boots nodes that are there and do not run.
func (r *Run) Start(ctx context.Context) error {
	return r.eachNode(ctx, r.startAgain)
}

// Restart stops nodes and boots them again. A changed definition takes effect.
func (r *Run) Restart(ctx context.Context) error {
	return r.eachNode(ctx, func(ctx context.Context, d engine.Domain) error {
		if err := r.stop(ctx, d); err != nil {
			return err
		}
		d.State = engine.ShutOff
		return r.startAgain(ctx, d)
	})
}

// eachNode does one thing for node=, or for all nodes of the cluster prefix=, or of the workspace, at once.
func (r *Run) eachNode(ctx context.Context, do func(context.Context, engine.Domain) error) error {
	if err := r.lockAll(ctx, r.givenPrefix()); err != nil {
		return err
	}
	nodes, err := r.chosenNodes()
	if err != nil {
		return err
	}
	errs := make([]error, len(nodes))
	var all errgroup.Group
	for i, d := range nodes {
		all.Go(func() error {
			if err := do(ctx, d); err != nil {
				errs[i] = fmt.Errorf("%s: %w", d.Name, err)
			}
			return nil
		})
	}
	_ = all.Wait()
	return errors.Join(errs...)
}

// chosenNodes are node=, or all nodes of the cluster prefix=, or of the workspace.
func (r *Run) chosenNodes() ([]engine.Domain, error) {
	if r.Node != "" {
		one, err := r.chosen()
		return []engine.Domain{one}, err
	}
	domains, err := r.domains()
	if err != nil {
		return nil, err
	}
	nodes := engine.Members(domains, r.Workspace, r.givenPrefix())
	if len(nodes) == 0 {
		return nil, hint.Errorf("`mage up` makes some", "there are no nodes")
	}
	return nodes, nil
}

func (r *Run) stop(ctx context.Context, d engine.Domain) error {
	switch d.State {
	case engine.Running:
	case engine.Paused: // it could not hear
		if err := r.conn.Start(d.Name); err != nil {
			return err
		}
	case engine.Crashed:
		r.log.Say("%s: had crashed, what is left of it is ended", d.Name)
		return r.conn.Destroy(d.Name)
	default:
		r.log.Say("%s: does not run", d.Name)
		return nil
	}
	begin := time.Now()
	if err := r.conn.Shutdown(d.Name); err != nil {
		return err
	}
	r.log.Say("%s: asked to shut down", d.Name)
	graceful, cancel := context.WithTimeout(ctx, r.Grace)
	defer cancel()
	ended, err := r.awaitEnd(graceful, d.Name)
	if err != nil || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	if ended {
		r.log.Say("%s: shut down (%s)", d.Name, progress.Seconds(time.Since(begin)))
		return nil
	}
	if err := r.conn.Destroy(d.Name); err != nil {
		return err
	}
	r.log.Say("%s: did not shut down within %s, ended by force", d.Name, r.Grace)
	return nil
}

// awaitEnd tells whether the domain has ended before ctx does.
func (r *Run) awaitEnd(ctx context.Context, name string) (bool, error) {
	happened, end := r.conn.Watch(name)
	defer end()
	for {
		state, err := r.conn.State(name)
		if err != nil || state == engine.ShutOff || state == engine.Crashed {
			return err == nil, err
		}
		select {
		case <-ctx.Done():
			return false, nil
		case <-happened:
		}
	}
}

// startAgain boots the node and waits until it is ready.
func (r *Run) startAgain(ctx context.Context, d engine.Domain) error {
	node := r.ws().NodeOf(d.Metadata)
	b := r.boot(ctx, plan.Step{Node: node, Running: d.State == engine.Running})
	if b.Err != nil || !r.Ready {
		return errors.Unwrap(b.Err) // which has the node's name, as eachNode's
	}
	return r.access(d.Metadata.Cluster).Trust(boot.Reports([]boot.Node{b}))
}
