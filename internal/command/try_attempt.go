package command

import (
	"context"
	"errors"
	"io"
	"strings"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
)

// errNothing is of an attempt that had nothing to do.
var errNothing = errors.New("nothing to do")

// anew is a run with the words of another one: with the settings that they, the cluster's file and its nodes give by now. It shares
// the locks, and has a connection of its own.
func anew(r *Run) (*Run, error) {
	next, err := NewAbout(r.Words, About{Cluster: true, Libvirt: true, One: "try"}, r.out)
	if err != nil {
		return nil, err
	}
	next.Recreate, next.Verify = "changed", false // which look does
	next.log, next.locks, next.etcd, next.counts, next.pass.brief = r.log, r.locks, r.etcd, r.counts, true
	return next, nil
}

// look makes the documents of what is saved, and judges them. What may be wrong is said; what cannot be right is the error.
func (t *trying) look(ctx context.Context) (seen rendered, err error) {
	r, err := anew(t.run)
	if err != nil {
		return seen, err
	}
	defer r.close()
	r.onlyLook()
	seen, err = wouldRender(ctx, r, false)
	for _, warning := range seen.source.Warnings() {
		t.run.log.Say("%s", warning)
	}
	if err != nil || !t.run.Verify {
		return seen, err
	}
	return seen, t.judged(ctx, r, seen.source)
}

// judged is the error of what cannot be right in documents. If they cannot be judged here that is said.
func (t *trying) judged(ctx context.Context, r *Run, source config.Set) error {
	report, err := reported(ctx, r, t.judge, source, r.log.Say)
	if err != nil {
		r.log.Say("verify: left out: %s", hint.FirstLine(err))
		return nil
	}
	for _, text := range findingTexts(report.Warnings()) {
		r.log.Say("%s", text)
	}
	if wrong := findingTexts(report.Errors()); len(wrong) > 0 {
		return hint.Errorf("save it without that; with verify=off this is not looked at", "%s", strings.Join(wrong, "\n"))
	}
	return nil
}

// carryOut does what `mage plan recreate=changed` says: with one of the changed nodes first, and with the others if that one is
// well. again is a node that is recreated in any case, or empty; retry
// says that there is something to do though nothing changed. A panic in it closes before.
func carryOut(ctx context.Context, r *Run, again string, retry bool, closes func()) (err error) {
	whole := false
	defer func() {
		if !whole {
			closes()
		}
	}()
	only, rest, err := passes(ctx, r, again)
	if retry && errors.Is(err, errNothing) {
		err = nil
	}
	if err == nil {
		err = carryOutPass(ctx, r, only, again)
	}
	if err == nil && rest {
		r.log.Say("%s: well; the others follow", only)
		err = carryOutPass(ctx, r, "", "")
	}
	whole = true
	return err
}

// passes are how a plan is carried out: only is the node that comes first, or none if all are recreated together, and rest tells
// whether others come after it.
func passes(ctx context.Context, r *Run, again string) (only string, rest bool, err error) {
	next, err := anew(r)
	if err != nil {
		return "", false, err
	}
	defer next.close()
	dry := dry(next)
	defer dry.close()
	p, err := wouldPlan(ctx, dry, askAll(dry, r.log))
	if err != nil {
		return "", false, err
	}
	if err := sayChanges(next, p); err != nil {
		return "", false, err
	}
	only, rest = order(p.plan, next.Node, next.Parallel)
	if again == "" && !isOnlyChanged(p.plan, only) {
		return "", false, errNothing
	}
	if again != "" {
		return again, rest || only != "" && only != again && next.Node == "", nil
	}
	return only, rest, nil
}

// order is which of the nodes that are recreated comes first, and whether others come after it. A cluster whose etcd has never formed,
// or begins anew, is made together: none of its nodes would ever be well alone.
func order(p plan.Plan, node string, parallel bool) (only string, rest bool) {
	changed := []string{}
	for _, s := range plan.Taking(p.Steps, plan.Recreate) {
		if !s.Unasked {
			changed = append(changed, s.Node.Name)
		}
	}
	switch {
	case node != "":
		return node, false
	case len(changed) < 2, p.Way == plan.NewGeneration, p.Way == plan.Together && !parallel:
		return "", false
	}
	return changed[0], true
}

// isOnlyChanged reports whether a plan does something if of the nodes that changed only that one is recreated; empty is each.
func isOnlyChanged(p plan.Plan, only string) bool {
	for _, s := range p.All() {
		asked := s.Action == plan.Recreate && !s.Unasked
		if s.Changes() && (!asked || only == "" || s.Node.Name == only) {
			return true
		}
	}
	return false
}

// sayChanges says what changed in the documents of nodes since they were made.
func sayChanges(r *Run, p planned) error {
	diffs, err := documentDifferences(p.plan.Steps, p.documents)
	for _, diff := range diffs {
		r.log.Say("%s %s\n%s", now(), strings.Join(diff.Nodes, ", "), diff.Hunks)
	}
	return err
}

// carryOutPass is `mage up`, which recreates the node only if it changed, or each that did; again it recreates in any case.
func carryOutPass(ctx context.Context, r *Run, only, again string) error {
	next, err := anew(r)
	if err != nil {
		return err
	}
	defer next.close()
	next.endsWith(ctx)
	next.pass.only = only
	if again != "" {
		next.Recreate = again
	}
	defer letGo(ctx, next)
	return upQuietly(ctx, next)
}

// letGo lets other runs at the cluster and its images. A run that the user interrupts keeps the cluster until its process ends: it
// says what is left.
func letGo(ctx context.Context, r *Run) {
	if release := r.values.images.value.release; release != nil {
		release()
	}
	if ctx.Err() == nil || !errors.Is(context.Cause(ctx), ctx.Err()) {
		r.locks.Free()
	}
}

// upQuietly is `mage up`, without a word of what stays as it is.
func upQuietly(ctx context.Context, r *Run) error {
	said := r.log
	for _, stage := range []struct {
		do    func(*Run, context.Context) error
		quiet bool
	}{
		{(*Run).Preflight, false},
		{(*Run).Claim, false},
		{(*Run).Fetch, false},
		{(*Run).Transpile, true},
		{(*Run).Discovery, true},
		{(*Run).Render, true},
		{(*Run).Define, false},
		{(*Run).Up, false},
	} {
		if r.log = said; stage.quiet {
			r.log = progress.New(io.Discard)
		}
		if err := errors.Join(stage.do(r, ctx), ctx.Err()); err != nil {
			return err
		}
	}
	return nil
}
