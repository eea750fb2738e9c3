package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"coreos-libvirt/internal/cluster/apply"
	"coreos-libvirt/internal/cluster/facts"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt/domainxml"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/image/qcow2"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/session"
	"coreos-libvirt/internal/workspace/wait"
)

// somethingToDo is the exit status of `mage plan` if `mage up` would do something.
const somethingToDo = 2

// Plan prints what `mage up` would do, and changes nothing. Its exit status is 0 if that is nothing, 2 if it is something.
func (r *Run) Plan(ctx context.Context) error {
	dry := r.dry()
	p, err := dry.wouldPlan(ctx, func(ctx context.Context, neverFormed bool) (etcd.Status, error) {
		if r.Format != "json" { // that the helper is built takes a minute
			dry.log = r.log
		}
		return dry.survey(ctx, neverFormed)
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

// planned are the steps that `mage up` would take, as far as they can be told without etcd's members.
func (r *Run) planned(ctx context.Context) ([]plan.Step, error) {
	p, err := r.dry().wouldPlan(ctx, nil)
	return p.All(), err
}

// surveyor asks etcd's members how they are. neverFormed says that there is nobody who could answer but those that run.
type surveyor func(ctx context.Context, neverFormed bool) (etcd.Status, error)

// wouldPlan is what a run like this one would do. If nobody asks etcd's members, they decide nothing.
func (r *Run) wouldPlan(ctx context.Context, survey surveyor) (plan.Plan, error) {
	if err := r.Fetch(ctx); err != nil {
		return plan.Plan{}, err
	}
	all, err := wouldRender(ctx, r, survey != nil)
	if err != nil {
		return plan.Plan{}, err
	}
	r.rendered = all
	return r.makePlan(ctx, survey)
}

// dry is a run like this one that says nothing and changes nothing.
func (r *Run) dry() *Run {
	dry := &Run{
		Settings: r.Settings, Workspace: r.Workspace, log: progress.New(io.Discard), locks: r.locks, etcd: r.etcd,
		readOnly: true, connection: connection{daemon: r.daemon},
	}
	dry.onlyLook()
	return dry
}

// makePlan looks at what there is, and works out what is done.
func (r *Run) makePlan(ctx context.Context, survey surveyor) (plan.Plan, error) {
	domains, err := r.listed()
	if err != nil {
		return plan.Plan{}, err
	}
	err = errors.Join(r.at().InTheWay(r.members(), domains, r.Prefix), r.checkLink(), r.source.CheckVersions(r.base.Accepts))
	if err != nil {
		return plan.Plan{}, err
	}
	tmpl, err := r.domainTemplate()
	if err != nil {
		return plan.Plan{}, err
	}
	want, have, err := r.situation(ctx, tmpl, domains, survey != nil)
	if err != nil {
		return plan.Plan{}, err
	}
	e := r.etcdFacts()
	if survey != nil && plan.AsksMembers(want, have, r.options(), e) {
		e.Asked = true
		e.Status, err = survey(ctx, plan.NeverFormed(have, e))
		if err := errors.Join(err, r.canAllJoin(want)); err != nil {
			return plan.Plan{}, err
		}
	}
	p, err := plan.Make(want, have, r.options(), e)
	if err != nil {
		return p, err
	}
	return p, r.complete(ctx, &p, want, have)
}

// options are what the user wants of this run.
func (r *Run) options() plan.Options {
	return plan.Options{
		Nodes: r.Nodes, Arch: r.Arch, FewerGoes: r.Given("nodes"), All: r.Recreate == "all", Changed: r.Recreate == "changed", Names: strings.Split(r.Recreate, ","),
		Redefine: r.Redefine, Parallel: r.Parallel, Force: r.Force, Ready: r.Ready,
	}
}

// etcdFacts is what is known of the cluster's etcd before its members are asked.
func (r *Run) etcdFacts() plan.Etcd {
	return plan.EtcdOf(cmp.Or(r.generation.Token, r.generation.Coming))
}

// canAllJoin notes which nodes' configs have the word by which a member joins.
func (r *Run) canAllJoin(want []plan.Blueprint) (err error) {
	for i := range want {
		if want[i].Joins, err = r.source.NodeUses(want[i].Doc.Name, discovery.WordFlags); err != nil {
			return err
		}
	}
	return nil
}

// situation is what nodes shall be, and what there is of all nodes of the cluster. asks says that nodes may be asked whether
// they are ready.
func (r *Run) situation(ctx context.Context, tmpl string, domains map[string]engine.Domain, asks bool) ([]plan.Blueprint, map[string]plan.Found, error) {
	want, found := make([]plan.Blueprint, len(r.documents)), make([]plan.Found, len(r.documents))
	errs := wait.Each(len(want), func(i int) (err error) {
		want[i], found[i], err = r.situationOf(ctx, r.documents[i], tmpl, domains)
		if asks && r.Ready && err == nil {
			found[i].NeverReady = facts.NeverReady(ctx, found[i], r.documents[i].Digest, r.reach().Report)
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", r.documents[i].Name, err)
		}
		return err
	})
	if err := cmp.Or(errs...); err != nil { // the first: most are the same for all
		return nil, nil, err
	}
	have := map[string]plan.Found{}
	for _, d := range engine.Members(domains, r.Workspace, r.Prefix) {
		node := r.ws().NodeOf(d.Metadata)
		have[d.Name] = plan.Found{Node: node, Domain: d, Defined: true, History: plan.History{Fresh: workspace.Exists(node.Fresh()), LastAddress: r.reach().LastAddress(d.Name)}}
	}
	for i := range found {
		have[want[i].Doc.Name] = found[i]
	}
	return want, have, nil
}

// situationOf is what the node shall be, and what there is of it.
func (r *Run) situationOf(ctx context.Context, doc config.Document, tmpl string, domains map[string]engine.Domain) (b plan.Blueprint, found plan.Found, err error) {
	found, err = facts.Of(ctx, r.conn.Disks(), r.ws(), doc.Node, domains, r.options().For(doc.Name, r.etcdFacts().Retired))
	if err != nil {
		return b, found, err
	}
	found.LastAddress, found.Unruled = r.reach().LastAddress(doc.Name), facts.Unruled(found, doc.Digest)
	b, err = r.blueprint(doc, tmpl)
	if err != nil || !found.Defined && !found.Disk.Exists {
		return b, found, err
	}
	kept, definition, digest := r.keptHardware(doc.Node, found), b.Definition, b.Mark.Definition
	if kept != b.Spec {
		other, err := domainxml.Fill(tmpl, kept)
		if err != nil {
			return b, found, err
		}
		definition, digest = other, other.Digest
	}
	text, err := definition.With(b.Mark)
	return b, facts.WithKept(found, kept, definition, text, digest), err
}

// blueprint is all that the node is made of, if it is made now.
func (r *Run) blueprint(doc config.Document, tmpl string) (plan.Blueprint, error) {
	b := plan.Blueprint{Doc: doc, Spec: r.hardware(r.conn, doc.Node, r.base), Mark: r.want(doc)}
	definition, err := domainxml.Fill(tmpl, b.Spec)
	b.Definition, b.Mark.Definition = definition, definition.Digest
	return b, err
}

// complete gives the steps of a plan what carries them out: the size of disks that are made, and definitions.
func (r *Run) complete(ctx context.Context, p *plan.Plan, want []plan.Blueprint, have map[string]plan.Found) error {
	for i := range p.Steps {
		step := &p.Steps[i]
		if err := r.completeStep(ctx, step, want[i], have[step.Node.Name]); err != nil {
			return fmt.Errorf("%s: %w", step.Node.Name, err)
		}
	}
	return nil
}

func (r *Run) completeStep(ctx context.Context, step *plan.Step, b plan.Blueprint, found plan.Found) (err error) {
	definition := b.Definition
	if step.Makes() {
		err = errors.Join(checkFirmware(b.Spec, engine.HostOf(r.conn).HasUEFI), r.sizeDisk(ctx, step))
	} else {
		definition = found.Kept
	}
	if err == nil {
		step.XML, err = definition.With(step.Want)
	}
	return err
}

// planAnew is the step of a node of which there is nothing, and its definition.
func (r *Run) planAnew(ctx context.Context, node config.Document) (next apply.New, err error) {
	tmpl, err := r.domainTemplate()
	if err != nil {
		return next, err
	}
	b, err := r.blueprint(node, tmpl)
	if err != nil {
		return next, err
	}
	next = apply.New{Step: plan.New(b), Definition: b.Definition}
	return next, r.completeStep(ctx, &next.Step, b, plan.Found{})
}

func (r *Run) domainTemplate() (string, error) {
	tmpl, err := os.ReadFile(r.ws().DomainTemplate())
	if err != nil {
		return "", hint.Errorf("git checkout templates/domain.xml.tmpl", "no domain template: %w", err)
	}
	return string(tmpl), nil
}

// sizeDisk completes what is wanted of a node that gets a disk, and makes sure that the base image takes one of that size.
func (r *Run) sizeDisk(ctx context.Context, step *plan.Step) (err error) {
	if r.readOnly && !workspace.Exists(r.base.Path) { // it is not fetched yet
		return nil
	}
	step.Want.Disk, err = qcow2.OverlaySize(ctx, r.base.Path, r.Disk)
	return err
}

// baseOf is the image that the node was made on. A node that is kept needs the firmware and the Ignition key of that
// image, whatever image= is now.
func (r *Run) baseOf(found plan.Found) base.Image {
	have := found.Made
	if found.Defined {
		have = found.Domain.Metadata
	}
	if have == nil || have.Base == "" || have.Base == r.base.Path {
		return r.base
	}
	return base.At(r.imageOptions(), have.Base)
}

// want is what the node shall be made from.
func (r *Run) want(node config.Document) engine.Metadata {
	return engine.Metadata{
		Workspace: r.Workspace, Cluster: r.Prefix, Number: node.Number, Ignition: node.Digest, Base: r.base.Path,
		Libvirt: r.where().String(), Image: r.base.Identity, Disk: r.Disk, Firmware: r.wantedFirmware(),
	}
}

// checkLink looks for what the nodes are plugged into. libvirt's drivers other than QEMU's have networks of their own.
func (r *Run) checkLink() error {
	if !strings.HasPrefix(r.URI, "qemu") {
		return nil
	}
	return r.reach().CheckLink()
}
