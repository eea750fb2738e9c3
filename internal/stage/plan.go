package stage

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/aymanbagabas/go-udiff"

	"coreos-libvirt/internal/cluster"
	"coreos-libvirt/internal/hint"
	"coreos-libvirt/internal/image"
	"coreos-libvirt/internal/progress"
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
	if slices.ContainsFunc(steps, cluster.Step.Changes) {
		return ExitStatus(somethingToDo)
	}
	return nil
}

// planned are the steps that `mage up` would take.
func (r *Run) planned(ctx context.Context) ([]cluster.Step, error) {
	dry := r.dry()
	for _, stage := range []func(context.Context) error{dry.Fetch, dry.Transpile, dry.Discovery, dry.Render} {
		if err := stage(ctx); err != nil {
			return nil, err
		}
	}
	steps, err := dry.plan(ctx)
	if err != nil {
		return nil, err
	}
	return append(steps, dry.surplus()...), nil
}

// dry is a run like this one that says nothing and changes nothing.
func (r *Run) dry() *Run {
	return &Run{
		Settings: r.Settings, Workspace: r.Workspace, log: progress.New(io.Discard), held: r.held, conn: r.conn,
		readOnly: true,
	}
}

// plan tells, node by node, the way from what is there to what is wanted.
func (r *Run) plan(ctx context.Context) ([]cluster.Step, error) {
	domains, err := r.domains()
	if err != nil {
		return nil, err
	}
	r.seen = domains
	err = errors.Join(cluster.Foreign(r.members(), domains, r.Workspace, r.Prefix), r.checkBridge(), r.checkSpec())
	if err != nil {
		return nil, err
	}
	tmpl, err := r.domainTemplate()
	if err != nil {
		return nil, err
	}
	steps := make([]cluster.Step, len(r.nodes))
	errs := eachOf(len(steps), func(i int) (err error) {
		if steps[i], err = r.planNode(ctx, r.nodes[i], tmpl, domains); err != nil {
			err = fmt.Errorf("%s: %w", r.nodes[i].Name, err)
		}
		return err
	})
	return steps, cmp.Or(errs...) // the first: most are the same for all
}

func (r *Run) domainTemplate() (string, error) {
	tmpl, err := os.ReadFile(filepath.Join(r.Workspace, "templates", "domain.xml.tmpl"))
	if err != nil {
		return "", hint.Errorf("git checkout templates/domain.xml.tmpl", "no domain template: %w", err)
	}
	return string(tmpl), nil
}

func (r *Run) planNode(ctx context.Context, node rendered, tmpl string, domains map[string]cluster.Domain) (cluster.Step, error) {
	want := cluster.Metadata{
		Workspace: r.Workspace, Cluster: r.Prefix, Number: node.Number, Ignition: node.digest, Base: r.base.Path,
	}
	hw := r.hardware(r.conn, node.Node)
	if _, err := cluster.Define(tmpl, hw, &want); err != nil {
		return cluster.Step{}, err
	}
	domain, defined := domains[node.Name]
	found := cluster.Found{Domain: domain, Defined: defined, Recreate: r.Recreate == "changed", Force: r.recreates(node.Name), Redefine: r.Redefine}
	var err error
	if found.Disk, err = diskOf(ctx, node.Node, defined && domain.State == cluster.Running); err != nil {
		return cluster.Step{}, err
	}
	if defined {
		if found.Edited, err = edited(node.Node, domain); err != nil {
			return cluster.Step{}, err
		}
	}
	step := cluster.Plan(node.Node, want, found)
	if step.XML, err = cluster.Define(tmpl, hw, &step.Want); err != nil {
		return step, err
	}
	if was, err := os.ReadFile(node.XML()); err == nil && step.Action == cluster.Redefine && step.Running && step.Edited == "" {
		step.Live, err = cluster.LiveChanges(string(was), step.XML)
		return step, err
	}
	return step, nil
}

// recreates tells whether recreate= names the node.
func (r *Run) recreates(node string) bool {
	return r.Recreate == "all" || slices.Contains(strings.Split(r.Recreate, ","), node)
}

// edited is what differs between the definition as libvirt had it when it was made and as libvirt has it
// now: what somebody else changed, as with `virsh edit`.
func edited(node cluster.Node, domain cluster.Domain) (string, error) {
	made, err := os.ReadFile(node.Defined())
	if os.IsNotExist(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("cannot read the definition as it was made: %w", err)
	}
	was, is := withoutFirmware(string(made)), withoutFirmware(domain.XML)
	if slices.Equal(slices.Sorted(slices.Values(was)), slices.Sorted(slices.Values(is))) {
		return "", nil // libvirt puts controllers in another order by itself
	}
	return udiff.Unified("as it was made", "as it is", strings.Join(was, ""), strings.Join(is, "")), nil
}

// withoutFirmware are a definition's lines without what libvirt adds by itself when the domain first starts.
func withoutFirmware(text string) []string {
	return slices.DeleteFunc(slices.Collect(strings.Lines(text)), func(line string) bool {
		return strings.Contains(line, "<nvram")
	})
}

// diskOf looks at a node's overlay. A running node's is not pristine.
func diskOf(ctx context.Context, node cluster.Node, running bool) (cluster.Disk, error) {
	if _, err := os.Stat(node.Overlay()); err != nil {
		if os.IsNotExist(err) {
			err = nil
		}
		return cluster.Disk{}, err
	}
	info, err := image.Inspect(ctx, node.Overlay())
	if err != nil {
		return cluster.Disk{}, hint.Add(err, "`mage down` clears it away")
	}
	disk := cluster.Disk{Exists: true, Backing: info.Backing}
	if !running {
		disk.Pristine, err = image.Pristine(ctx, node.Overlay())
	}
	return disk, err
}

// plannedStep is a step as `mage plan format=json` prints it.
type plannedStep struct {
	Node   string `json:"node"`
	Action string `json:"action"` // create, recreate, redefine, start, remove or unchanged
	Reason string `json:"reason"`
	Starts bool   `json:"starts"`           // whether the node is booted
	Drift  string `json:"drift,omitempty"`  // what needs the node made anew and is left
	Edited string `json:"edited,omitempty"` // what somebody else changed, as a diff
}

func describeStep(s cluster.Step) plannedStep {
	p := plannedStep{Node: s.Node.Name, Action: string(s.Action), Reason: s.Why, Starts: s.Starts(), Drift: s.Drift, Edited: s.Edited}
	switch {
	case s.Action == cluster.Redefine && len(s.Live) > 0:
		p.Reason += "; the running node takes it"
	case s.Action == cluster.Redefine && s.Running:
		p.Reason += "; it takes effect with `mage restart`"
	case s.Action == cluster.Keep && s.Starts():
		p.Action, p.Reason = "start", "it does not run"
	case s.Action == cluster.Keep:
		p.Action = "unchanged"
	}
	if s.Drift != "" {
		p.Reason += fmt.Sprintf("; %s since it was made: recreate=changed makes it anew", s.Drift)
	}
	return p
}

func (r *Run) printPlan(steps []cluster.Step) error {
	all := []plannedStep{}
	for _, s := range steps {
		all = append(all, describeStep(s))
	}
	if r.Format == "json" {
		return r.printJSON(all)
	}
	table := tabwriter.NewWriter(r.log.Writer(), 0, 8, 3, ' ', 0)
	fmt.Fprintln(table, "NODE\tACTION\tREASON")
	for _, p := range all {
		fmt.Fprintf(table, "%s\t%s\t%s\n", p.Node, p.Action, p.Reason)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, p := range all {
		if p.Edited != "" {
			r.log.Say("%s: somebody else changed its definition; redefine=true overwrites that\n%s", p.Node, p.Edited)
		}
	}
	return nil
}

func (r *Run) printJSON(value any) error {
	out := json.NewEncoder(r.log.Writer())
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(value)
}
