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

	"coreos-libvirt/internal/cluster/facts"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/image"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/session"
	"coreos-libvirt/internal/workspace/wait"
)

// somethingToDo is the exit status of `mage plan` where `mage up` would do something.
const somethingToDo = 2

// Plan prints what `mage up` would do, and changes nothing. Its exit status is 0 where that is nothing,
// 2 where it is something.
func (r *Run) Plan(ctx context.Context) error {
	steps, err := r.planned(ctx)
	if err != nil {
		return err
	}
	if err := r.printPlan(steps); err != nil {
		return err
	}
	if slices.ContainsFunc(steps, plan.Step.Changes) {
		return session.ExitStatus(somethingToDo)
	}
	return nil
}

// planned are the steps that `mage up` would take.
func (r *Run) planned(ctx context.Context) ([]plan.Step, error) {
	dry := r.dry()
	if err := dry.Fetch(ctx); err != nil {
		return nil, err
	}
	all, err := dry.wouldRender(ctx)
	if err != nil {
		return nil, err
	}
	dry.source, dry.generation, dry.documents = all.source, all.generation, all.documents
	steps, err := dry.plan(ctx)
	if err != nil {
		return nil, err
	}
	return append(steps, dry.surplus()...), nil
}

// dry is a run like this one that says nothing and changes nothing.
func (r *Run) dry() *Run {
	return &Run{
		Settings: r.Settings, Workspace: r.Workspace, log: progress.New(io.Discard), locks: r.locks,
		readOnly: true, connection: connection{conn: r.conn},
	}
}

// plan tells, node by node, the way from what is there to what is wanted.
func (r *Run) plan(ctx context.Context) ([]plan.Step, error) {
	domains, err := r.listed()
	if err != nil {
		return nil, err
	}
	err = errors.Join(r.inTheWay(domains), r.checkLink(), r.source.CheckVersions(r.base.Accepts))
	if err != nil {
		return nil, err
	}
	tmpl, err := r.domainTemplate()
	if err != nil {
		return nil, err
	}
	steps := make([]plan.Step, len(r.documents))
	errs := wait.Each(len(steps), func(i int) (err error) {
		if steps[i], err = r.planNode(ctx, r.documents[i], tmpl, domains); err != nil {
			err = fmt.Errorf("%s: %w", r.documents[i].Name, err)
		}
		return err
	})
	if err := cmp.Or(errs...); err != nil { // the first: most are the same for all
		return nil, err
	}
	return steps, nil
}

func (r *Run) domainTemplate() (string, error) {
	tmpl, err := os.ReadFile(r.ws().DomainTemplate())
	if err != nil {
		return "", hint.Errorf("git checkout templates/domain.xml.tmpl", "no domain template: %w", err)
	}
	return string(tmpl), nil
}

func (r *Run) planNode(ctx context.Context, node config.Document, tmpl string, domains map[string]engine.Domain) (plan.Step, error) {
	found, err := facts.Of(ctx, r.ws(), node.Node, domains, r.wishes(node.Name))
	if err != nil {
		return plan.Step{}, err
	}
	step, err := r.stepOn(ctx, r.keptHardware(node.Node, found), node, tmpl, found)
	if err == nil && makes(step) {
		step, err = r.stepAnew(ctx, node, tmpl, found)
	}
	if err != nil {
		return step, err
	}
	if step.Action == plan.Keep && r.generation.Token != nil && workspace.Exists(node.Fresh()) { // grow does that
		step.Why += "; no run has come to its end since it was made: where it is no member of etcd yet it is made anew, as one"
	}
	step.Found = facts.Unrecorded(step, found)
	return facts.WithLive(step, found), nil
}

// stepAnew is the step for a node that is made of what is wanted now.
func (r *Run) stepAnew(ctx context.Context, node config.Document, tmpl string, found plan.Found) (plan.Step, error) {
	hw := r.hardware(r.conn, node.Node, r.base)
	if err := checkFirmware(hw, r.conn.HasUEFI); err != nil {
		return plan.Step{}, err
	}
	return r.stepOn(ctx, hw, node, tmpl, found)
}

// stepOn is the step for the node, on the hardware.
func (r *Run) stepOn(ctx context.Context, hw engine.Hardware, node config.Document, tmpl string, found plan.Found) (plan.Step, error) {
	definition, err := libvirt.Fill(tmpl, hw)
	if err != nil {
		return plan.Step{}, err
	}
	want := r.want(node)
	want.Definition = definition.Digest
	step := plan.ForNode(node.Node, want, found)
	if err := r.sizeDisk(ctx, &step); err != nil {
		return step, err
	}
	step.Want.Firmware = cmp.Or(step.Want.Firmware, hw.FirmwareWord())
	step.Want.Definition = definition.Digest
	step.XML, err = definition.With(step.Want)
	return step, err
}

// sizeDisk completes what is wanted of a node that gets a disk, and makes sure that the base image takes one of that size.
func (r *Run) sizeDisk(ctx context.Context, step *plan.Step) (err error) {
	if !makes(*step) || r.readOnly && !workspace.Exists(r.base.Path) { // it is not fetched yet
		return nil
	}
	step.Want.Disk, err = image.OverlaySize(ctx, r.base.Path, r.Disk)
	return err
}

// makes tells whether the step makes an overlay.
func makes(s plan.Step) bool { return s.Action == plan.Create || s.Action == plan.Recreate }

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

// wishes are what the user wants done with the node.
func (r *Run) wishes(node string) plan.Wishes {
	return plan.Wishes{Recreate: r.Recreate == "changed", Force: r.recreates(node), Redefine: r.Redefine}
}

// recreates tells whether recreate= names the node.
func (r *Run) recreates(node string) bool {
	return r.all() || slices.Contains(strings.Split(r.Recreate, ","), node)
}

// checkLink looks for what the nodes are plugged into. libvirt's drivers other than QEMU's have networks of their own.
func (r *Run) checkLink() error {
	if !strings.HasPrefix(r.URI, "qemu") {
		return nil
	}
	return r.reach().CheckLink()
}
