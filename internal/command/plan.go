package command

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"coreos-libvirt/internal/cluster/blueprint"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/cluster/reach"
	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace/session"
)

// somethingToDo is the exit status of `mage plan` if `mage up` would do something.
const somethingToDo = 2

// Plan prints what `mage up` would do, and changes nothing. Its exit status is 0 if that is nothing, 2 if it is something.
func (r *Run) Plan(ctx context.Context) error {
	dry := dry(r)
	p, err := wouldPlan(ctx, dry, func(ctx context.Context, neverFormed bool) (etcd.Status, error) {
		if r.Format != "json" { // that the helper is built takes a minute
			dry.log = r.log
		}
		return survey(ctx, dry, neverFormed)
	})
	if err != nil {
		return err
	}
	if err := printPlan(r, p, dry.documents); err != nil {
		return err
	}
	if slices.ContainsFunc(p.All(), func(s plan.Step) bool { return s.Changes() || s.Old() }) {
		return session.ExitStatus(somethingToDo)
	}
	return nil
}

// plannedBy gives the steps that `mage up` would take, as far as they can be told without etcd's members.
func plannedBy(r *Run) func(context.Context) ([]plan.Step, error) {
	return func(ctx context.Context) ([]plan.Step, error) {
		p, err := wouldPlan(ctx, dry(r), nil)
		return p.All(), err
	}
}

// surveyor asks etcd's members how they are. neverFormed says that there is nobody who could answer but those that run.
type surveyor func(ctx context.Context, neverFormed bool) (etcd.Status, error)

// surveyOf asks etcd's members what they are now, at what the run has seen of the nodes.
func surveyOf(r *Run) surveyor {
	return func(ctx context.Context, neverFormed bool) (etcd.Status, error) { return survey(ctx, r, neverFormed) }
}

// wouldPlan is what a run like this one would do. If nobody asks etcd's members, they decide nothing.
func wouldPlan(ctx context.Context, r *Run, survey surveyor) (plan.Plan, error) {
	if err := r.Fetch(ctx); err != nil {
		return plan.Plan{}, err
	}
	all, err := wouldRender(ctx, r, survey != nil)
	if err != nil {
		return plan.Plan{}, err
	}
	r.rendered = all
	return makePlan(ctx, r, survey)
}

// dry is a run like this one that says nothing and changes nothing.
func dry(r *Run) *Run {
	dry := &Run{
		Settings: r.Settings, Workspace: r.Workspace, log: progress.New(io.Discard), locks: r.locks, etcd: r.etcd,
		readOnly: true, connection: connection{daemon: r.daemon, until: r.until},
	}
	dry.onlyLook()
	return dry
}

// makePlan looks at what there is, and works out what is done.
func makePlan(ctx context.Context, r *Run, survey surveyor) (plan.Plan, error) {
	domains, err := listed(r)
	if err != nil {
		return plan.Plan{}, err
	}
	err = errors.Join(r.at().InTheWay(r.members(), domains, r.Prefix), checkLink(r.URI, r.reach()), r.source.CheckVersions(r.base.Accepts))
	if err != nil {
		return plan.Plan{}, err
	}
	draft, err := drafter(r)
	if err != nil {
		return plan.Plan{}, err
	}
	options, e := planOptions(r.Settings), plan.EtcdOf(cmp.Or(r.generation.Token, r.generation.Coming))
	want, have, err := draft.Situation(ctx, blueprint.Wanted{Documents: r.documents, Options: options, Etcd: e, Asks: survey != nil && r.Ready}, domains)
	if err != nil {
		return plan.Plan{}, err
	}
	if survey != nil && plan.AsksMembers(want, have, options, e) {
		e.Asked = true
		e.Status, err = survey(ctx, e.NeverFormed(have))
		if err := errors.Join(err, canAllJoin(want, r.source)); err != nil {
			return plan.Plan{}, err
		}
	}
	p, err := plan.Make(want, have, options, e)
	if err != nil {
		return p, err
	}
	return p, errors.Join(draft.Complete(ctx, &p, want, have), keepsProtected(r, p))
}

// planOptions are what the user wants of a run.
func planOptions(s *settings.Settings) plan.Options {
	return plan.Options{
		Nodes: s.Nodes, Arch: s.Arch, FewerGoes: s.Given("nodes"), All: s.Recreate == "all", Changed: s.Recreate == "changed", Names: strings.Split(s.Recreate, ","),
		Redefine: s.Redefine, Parallel: s.Parallel, Force: s.Force, Ready: s.Ready,
	}
}

// canAllJoin notes which nodes' configs have the word by which a member joins.
func canAllJoin(want []plan.Blueprint, source config.Source) (err error) {
	for i := range want {
		if want[i].Joins, err = source.NodeUses(want[i].Doc.Name, discovery.WordFlags); err != nil {
			return err
		}
	}
	return nil
}

// drafter works out what nodes are made of, on the libvirt that was opened to look at them.
func drafter(r *Run) (blueprint.Drafter, error) {
	tmpl, err := os.ReadFile(r.ws().DomainTemplate())
	if err != nil {
		return blueprint.Drafter{}, hint.Errorf("git checkout templates/domain.xml.tmpl", "no domain template: %w", err)
	}
	return blueprint.Drafter{
		Engine: r.conn, Place: r.at(), Reach: r.reach(), Cluster: r.Prefix, Template: string(tmpl), Machine: machineOf(r.Settings),
		Base: r.base, BaseAt: func(path string) base.Image { return base.At(r.imageOptions(), path) },
		System: r.source.System(), Unfetched: r.readOnly,
	}, nil
}

// machineOf is what the settings say of each node's machine.
func machineOf(s *settings.Settings) blueprint.Machine {
	return blueprint.Machine{Arch: s.Arch, Accel: s.Accel, Firmware: s.Firmware, RAM: s.RAM, VCPU: s.VCPU, Disk: s.Disk, Link: link(s)}
}

// checkLink looks for what the nodes are plugged into. libvirt's drivers other than QEMU's have networks of their own.
func checkLink(uri string, nodes reach.Nodes) error {
	if !strings.HasPrefix(uri, "qemu") {
		return nil
	}
	return nodes.CheckLink()
}
