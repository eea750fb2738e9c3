package command

import (
	"context"
	"errors"
	"strings"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// Preflight looks, before anything is fetched or made, at what nodes that are to be started would fail of.
// What surely fails is an error, what may do is a line; nothing is said of what is well.
func (r *Run) Preflight(ctx context.Context) error {
	if !strings.HasPrefix(r.URI, "qemu") {
		return nil // libvirt's other drivers have hosts of their own
	}
	if err := workspace.CheckPath(r.Workspace, true); err != nil {
		return err
	}
	aheadOf(ctx, r)
	if len(r.Hosts) > 0 {
		return nil // this host is none of those that run them
	}
	starting, err := toStart(r)
	if err != nil || starting == 0 {
		return err
	}
	results, _ := host.RunAll(ctx, toBeRun(r, starting).Preflight())
	return failures(results, r.log.Say)
}

// failures are the errors among the results. Warnings are said.
func failures(results []host.Result, say func(string, ...any)) error {
	failed := []error{}
	for _, result := range results {
		switch {
		case result.OK:
		case result.Warning:
			say("warning: %s: %s (hint: %s)", result.Check, result.Found, result.Remedy)
		default:
			failed = append(failed, hint.Errorf(result.Remedy, "%s: %s", result.Check, result.Found))
		}
	}
	return errors.Join(failed...)
}

// toStart is how many of the cluster's nodes do not run.
func toStart(r *Run) (int, error) {
	conn, err := opened(r)
	if err != nil {
		return 0, err
	}
	running, err := conn.Running()
	if err != nil {
		return 0, err
	}
	n := 0
	for _, node := range r.members() {
		if !running[node.Name] {
			n++
		}
	}
	return n, nil
}
