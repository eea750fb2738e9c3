// Package blueprint works out what each node of a cluster is made of, and finds what there is of it: what plan.Make takes, and
// what makes the steps of a plan complete.
package blueprint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"

	"coreos-libvirt/internal/cluster/apply"
	"coreos-libvirt/internal/cluster/facts"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/cluster/reach"
	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/wait"
)

// Drafter makes blueprints.
type Drafter struct {
	Engine    engine.Engine
	Place     facts.Place
	Reach     reach.Nodes
	Cluster   string                       // the prefix
	Template  string                       // text of the domain template
	Recipes   map[string]Recipe            // of each node that shall be, by name
	BaseAt    func(path string) base.Image // an image that an earlier run had
	Unknown   map[string]plan.Obstacle     // why it is not known what there is of nodes, by name; a node that is known has none
	Unfetched bool                         // the base image may be still to come: this run only looks
	Says      Says
	Filled    func(node string) // called for each definition that is made of the template; nil: nobody counts them
}

// Says is what the marks of nodes say of the run that makes them.
type Says struct {
	Settings string // what the cluster is made with, as settings.Remembered writes it
	At       string // when that was said (RFC 3339)
	Version  string // of the program
}

// Recipe is what a node is made of, beside its document.
type Recipe struct {
	Machine Machine
	Base    base.Image // that it is made on, if it is made now
	System  string     // of its config's variant; empty if that names none
	Host    string     // that it is on, or made on; empty if there is one
	Etcd    string     // engine.NoEtcd if it has no member of etcd, or empty
}

// Wanted is what says how each node must be.
type Wanted struct {
	Documents []config.Document
	Options   plan.Options
	Etcd      plan.Etcd
	Ask       facts.Ask // nil: ready=off, nobody knows whether nodes were ready
}

// AskNobody is for who does not wait for nodes: whether one was ever ready shows only on its console then.
func AskNobody(context.Context, string, func(string)) (guest.Report, error) {
	return guest.Report{}, errors.New("nobody was asked")
}

// Situation is what nodes must be, and what there is of all nodes of the cluster, by name.
func (d Drafter) Situation(ctx context.Context, w Wanted, domains map[string]engine.Domain) ([]plan.Blueprint, map[string]plan.Found, error) {
	want, found := make([]plan.Blueprint, len(w.Documents)), make([]plan.Found, len(w.Documents))
	errs := wait.On(engine.HostCount(d.Engine), len(want), func(i int) (err error) {
		doc := w.Documents[i]
		want[i], found[i], err = d.situation(ctx, doc, domains, w.Options.For(doc.Name, w.Etcd.Retired))
		if err != nil {
			err = fmt.Errorf("%s: %w", doc.Name, err)
		}
		return err
	})
	if err := cmp.Or(errs...); err != nil { // the first: most are the same for all
		return nil, nil, err
	}
	if w.Ask != nil {
		facts.AskAll(ctx, d.Engine.Disks(), found, digestsOf(w.Documents), w.Ask)
	}
	have := d.found(domains)
	for i := range found {
		have[want[i].Doc.Name] = found[i]
	}
	return want, have, nil
}

func digestsOf(documents []config.Document) []string {
	digests := make([]string, len(documents))
	for i, doc := range documents {
		digests[i] = doc.Digest
	}
	return digests
}

// found is what is known of the nodes that have a domain, without a look at their disks.
func (d Drafter) found(domains map[string]engine.Domain) map[string]plan.Found {
	have := map[string]plan.Found{}
	for _, domain := range d.Place.Members(domains, d.Cluster) {
		node := d.Place.NodeOf(domain.Metadata)
		history := plan.History{Fresh: workspace.Exists(node.Fresh()), LastAddress: d.Reach.LastAddress(domain.Name)}
		have[domain.Name] = plan.Found{Node: node, Domain: domain, Defined: true, History: history}
	}
	return have
}

// situation is what the node shall be, and what there is of it.
func (d Drafter) situation(ctx context.Context, doc config.Document, domains map[string]engine.Domain, wishes plan.Wishes) (b plan.Blueprint, found plan.Found, err error) {
	if unknown, is := d.Unknown[doc.Name]; is {
		history := plan.History{Fresh: workspace.Exists(doc.Fresh()), LastAddress: d.Reach.LastAddress(doc.Name)}
		return plan.Blueprint{Doc: doc, Mark: d.mark(doc)}, plan.Found{Node: doc.Node, Unknown: unknown, Wishes: wishes, History: history}, nil
	}
	found, err = d.Place.Of(ctx, d.Engine.Disks(), doc.Node, domains, wishes)
	if err != nil {
		return b, found, err
	}
	found.LastAddress, found.Unruled = d.Reach.LastAddress(doc.Name), facts.Unruled(found, doc.Digest)
	b, err = d.draft(doc, madeFrom(found))
	if err != nil || !found.Defined && !found.Disk.Exists && !found.Orphan() {
		return b, found, err
	}
	kept, definition, digest := d.kept(doc.Node, found, b.Mark), b.Definition, b.Mark.Definition
	if !reflect.DeepEqual(kept, b.Spec) {
		other, err := d.fill(kept)
		if err != nil {
			return b, found, err
		}
		definition, digest = other, other.Digest()
	}
	text, err := definition.With(b.Mark)
	return b, d.Place.WithKept(found, kept, definition, text, digest), err
}

// draft is all that the node is made of, if it is made now. have is what it was made from: what the user says nothing of stays.
func (d Drafter) draft(doc config.Document, have engine.Metadata) (plan.Blueprint, error) {
	machine := d.Recipes[doc.Name].Machine
	b := plan.Blueprint{Doc: doc, Mark: d.mark(doc)}
	b.Mark.Disks, b.Mark.Networks = cmp.Or(machine.Disks, have.Disks), cmp.Or(machine.Networks, have.Networks)
	b.Spec = d.hardware(doc.Node, d.Recipes[doc.Name].Base, d.further(doc.Node, engine.DisksOf(b.Mark.Disks), b.Mark.Networks))
	definition, err := d.fill(b.Spec)
	if err != nil {
		return b, err
	}
	b.Definition, b.Mark.Definition = definition, definition.Digest()
	return b, nil
}

func (d Drafter) fill(hw engine.Hardware) (engine.Definition, error) {
	if d.Filled != nil {
		d.Filled(hw.Name)
	}
	return d.Place.Definitions.Fill(d.Template, hw)
}

// mark is what says what the node shall be made from.
func (d Drafter) mark(doc config.Document) engine.Metadata {
	recipe := d.Recipes[doc.Name]
	return engine.Metadata{
		Workspace: d.Place.Root, Cluster: d.Cluster, Number: doc.Number, Ignition: doc.Digest, Base: recipe.Base.Path,
		Libvirt: d.Place.On(recipe.Host).String(), Image: recipe.Base.Identity, Disk: recipe.Machine.Disk, Firmware: recipe.Machine.givenFirmware(), ID: d.Place.ID,
		Role: engine.Role{Group: doc.Group, Etcd: recipe.Etcd}, Settings: d.Says.Settings, Said: d.Says.At, Birth: engine.Birth{Since: d.Says.At, Version: d.Says.Version},
	}
}

// Complete gives the steps of a plan what carries them out: the size of disks that are made, and definitions.
func (d Drafter) Complete(ctx context.Context, p *plan.Plan, want []plan.Blueprint, have map[string]plan.Found) error {
	for i := range p.Steps {
		step := &p.Steps[i]
		if err := d.complete(ctx, step, want[i], have[step.Node.Name]); err != nil {
			return fmt.Errorf("%s: %w", step.Node.Name, err)
		}
	}
	return nil
}

func (d Drafter) complete(ctx context.Context, step *plan.Step, b plan.Blueprint, found plan.Found) (err error) {
	if step.Refused.Unknown {
		return nil
	}
	definition := b.Definition
	if step.Makes() {
		err = errors.Join(checkFirmware(b.Spec, engine.HostOf(d.Engine).HasUEFI), d.sizeDisk(ctx, step))
	} else {
		definition = found.Kept
	}
	if err == nil {
		step.XML, err = definition.With(step.Want)
	}
	return err
}

// New is the step of a node of which there is nothing, and its definition.
func (d Drafter) New(ctx context.Context, b plan.Blueprint) (next apply.New, err error) {
	next = apply.New{Step: plan.New(b), Definition: b.Definition}
	return next, d.complete(ctx, &next.Step, b, plan.Found{})
}

// sizeDisk completes what is wanted of a node that gets a disk, and makes sure that the base image takes one of that size.
func (d Drafter) sizeDisk(ctx context.Context, step *plan.Step) (err error) {
	recipe := d.Recipes[step.Node.Name]
	if d.Unfetched && (!recipe.Base.Known() || !recipe.Base.Afar && !workspace.Exists(recipe.Base.Path)) {
		return nil
	}
	step.Want.Disk, err = recipe.Base.OverlaySize(ctx, recipe.Machine.Disk)
	return err
}
