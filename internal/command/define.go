package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/hint"
)

// Define makes each node's overlay and libvirt domain. Nodes that are to be recreated are left to Up. One
// that fails is left as it was and counts no more; Defined reports it.
func (r *Run) Define(ctx context.Context) error {
	_, err := definedOf(ctx, r)
	return err
}

// definePlanned takes the plan's steps as far as domains' definitions.
func definePlanned(ctx context.Context, r *Run, p planned) (d defined, err error) {
	for _, image := range p.images {
		if err := register(r.Store, r.Workspace, image.Path); err != nil {
			return d, err
		}
	}
	for _, note := range p.plan.Notes {
		r.log.Say("%s", note)
	}
	for _, step := range p.plan.Steps {
		if !step.Refused.None() || r.pass.brief && !step.Changes() {
			continue
		}
		sayAhead(r.Settings, step, r.log.Say)
	}
	return defineSteps(ctx, r, p)
}

// defineSteps takes the steps as far as domains' definitions, and says of each what was done.
func defineSteps(ctx context.Context, r *Run, p planned) (d defined, err error) {
	d = defined{planned: p, apply: r.applier(p.domains)}
	steps, refused := carriedOut(r.Settings, p.plan.Steps)
	if err := expectNewcomers(ctx, r, p, func() members.Cluster { return clusterOf(r, d, r.booter(p.images, d.apply.Undo)) }, steps); err != nil {
		return d, err
	}
	out := d.apply.Define(ctx, steps)
	for _, step := range out.Made {
		if !r.pass.brief || step.Changes() {
			sayMade(r.Settings, step, r.log.Say)
		}
	}
	d.steps, d.failed = out.Made, slices.Concat(refused, out.Failed)
	if err := errors.Join(d.failed...); err != nil && (!r.KeepGoing || ctx.Err() != nil) {
		return d, err
	}
	return d, nil
}

// Defined is the end of a run that only defines: with an error for every node that failed.
func (r *Run) Defined(ctx context.Context) error {
	d, err := definedOf(ctx, r)
	return cmp.Or(errors.Join(d.failed...), err)
}

// register tells the store that overlays of this workspace stand on its images.
func register(folder, workspace, image string) error {
	if filepath.Dir(image) != folder {
		return nil
	}
	err := images(folder).Register(workspace, image)
	if errors.Is(err, fs.ErrPermission) {
		err = hint.Add(err, "store= names a folder of your own: in somebody else's prune would not know of your nodes")
	}
	return err
}

// sayAhead says what there is to know of a step before it is carried out. Settings are those of this run.
func sayAhead(s *settings.Settings, step plan.Step, say func(string, ...any)) {
	name := step.Node.Name
	if step.Drift != "" {
		say("%s: %s since it was made; it goes on as it is (hint: %s)", name, step.Drift, recreates(step, recreatedBy(s, step)))
	}
	if step.Edited != "" {
		say("%s: somebody else changed its definition (hint: %s)\n%s", name, overwrites(step.Snapped, upAsCalled(s, "redefine=true")), step.Edited)
	}
	if step.Action == plan.Recreate {
		say("%s: will be recreated: %s", name, step.Why)
	}
}

// sayMade says what was done with the node's definition.
func sayMade(s *settings.Settings, step plan.Step, say func(string, ...any)) {
	name := step.Node.Name
	switch step.Action {
	case plan.Create:
		say("%s: defined, %s", name, step.Why)
	case plan.Redefine:
		say("%s: redefined, %s%s", name, step.Why, takesEffect(step, restartOf(s, name)))
	case plan.Keep:
		say("%s: %s%s", name, step.Why, takesEffect(step, restartOf(s, name)))
	}
}

// overwrites tells what the command does about somebody else's changes, or what to do before it.
func overwrites(snapped plan.Obstacle, command string) string {
	if snapped.None() {
		return fmt.Sprintf("`%s` overwrites that", command)
	}
	return snapped.Way
}

// recreatedBy is the command that recreates a node which differs from what it was made from.
func recreatedBy(s *settings.Settings, step plan.Step) string {
	if step.Edited != "" || !step.Snapped.None() {
		return upAsCalled(s, "recreate="+step.Node.Name)
	}
	return upAsCalled(s, "recreate=changed")
}

// recreates tells what the command does.
func recreates(step plan.Step, command string) string {
	if step.Edited != "" {
		return fmt.Sprintf("`%s` recreates it, without what somebody else changed", command)
	}
	return fmt.Sprintf("`%s` recreates it", command)
}

// sayOld ends `up` with how many nodes run an older config than there is, or on another base image, and the command that
// recreates them.
func sayOld(s *settings.Settings, steps []plan.Step, say func(string, ...any)) {
	config, image := 0, 0
	for _, step := range steps {
		switch {
		case step.Old() && step.OldConfig:
			config++
		case step.Old() && step.OldBase:
			image++
		}
	}
	if config > 0 {
		say("%s an older config: %s", nodesRun(config), upAsCalled(s, "recreate=changed"))
	}
	if image > 0 {
		say("%s on another base image than new ones: %s", nodesRun(image), upAsCalled(s, "recreate=changed"))
	}
}

func nodesRun(n int) string {
	if n == 1 {
		return "1 node runs"
	}
	return fmt.Sprintf("%d nodes run", n)
}

// restartOf is the command that starts the node with its present definition.
func restartOf(s *settings.Settings, node string) string { return asCalled(s, "restart", "node="+node) }

// outdated is what is said of a running node whose definition is newer than it. restart is the command that starts it again.
func outdated(restart string) string {
	return fmt.Sprintf("it was started before its definition changed, which takes effect with `%s`", restart)
}

// takesEffect tells when what changed in a running node's definition takes effect. restart is the command that starts it again.
func takesEffect(step plan.Step, restart string) string {
	switch {
	case step.Restart && !step.Live.None():
		return fmt.Sprintf("; the running node takes its %s, the rest takes effect with `%s`", step.Live, restart)
	case !step.Live.None():
		return "; the running node takes it"
	case step.Restart && step.Action == plan.Keep:
		return "; " + outdated(restart)
	case step.Restart:
		return fmt.Sprintf("; it takes effect with `%s`", restart)
	}
	return ""
}
