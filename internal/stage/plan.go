package stage

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
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
	domains, err := r.listed()
	if err != nil {
		return nil, err
	}
	err = errors.Join(r.inTheWay(domains), r.checkBridge(), r.checkFirmware(), r.checkSpec())
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
	if err := cmp.Or(errs...); err != nil { // the first: most are the same for all
		return nil, err
	}
	return steps, r.checkDisk(ctx, steps)
}

// checkDisk makes sure that the base image takes an overlay of disk=, where one is to be made.
func (r *Run) checkDisk(ctx context.Context, steps []cluster.Step) error {
	making := slices.ContainsFunc(steps, func(s cluster.Step) bool { return s.Action == cluster.Create || s.Action == cluster.Recreate })
	if !making || r.readOnly && !exists(r.base.Path) { // it is not fetched yet
		return nil
	}
	return image.CheckOverlay(ctx, r.base.Path, r.Disk)
}

func (r *Run) domainTemplate() (string, error) {
	tmpl, err := os.ReadFile(filepath.Join(r.Workspace, "templates", "domain.xml.tmpl"))
	if err != nil {
		return "", hint.Errorf("git checkout templates/domain.xml.tmpl", "no domain template: %w", err)
	}
	return string(tmpl), nil
}

func (r *Run) planNode(ctx context.Context, node rendered, tmpl string, domains map[string]cluster.Domain) (cluster.Step, error) {
	found, err := r.inquire(ctx, node.Node, domains)
	if err != nil {
		return cluster.Step{}, err
	}
	step, err := r.stepOn(r.baseOf(found), node, tmpl, found)
	if err == nil && (step.Action == cluster.Create || step.Action == cluster.Recreate) {
		step, err = r.stepOn(r.base, node, tmpl, found)
	}
	if err != nil {
		return step, err
	}
	if step.Action == cluster.Keep && r.token != nil && exists(node.Fresh()) { // grow does that
		step.Why += "; no run has come to its end since it was made: where it is no member of etcd yet it is made anew, as one"
	}
	step.Found = unrecorded(step, found)
	live(&step)
	return step, nil
}

// stepOn is the step for the node, with the hardware that the image wants.
func (r *Run) stepOn(base Base, node rendered, tmpl string, found cluster.Found) (cluster.Step, error) {
	want := r.want(node)
	hw := r.hardware(r.conn, node.Node, base)
	if _, err := cluster.Define(tmpl, hw, &want); err != nil {
		return cluster.Step{}, err
	}
	step := cluster.Plan(node.Node, want, found)
	var err error
	step.XML, err = cluster.Define(tmpl, hw, &step.Want)
	return step, err
}

// baseOf is the image that the node was made on: one that is kept needs the firmware and the Ignition key of that
// one, whatever image= is by now.
func (r *Run) baseOf(found cluster.Found) Base {
	have := found.Made
	if found.Defined {
		have = found.Domain.Metadata
	}
	if have == nil || have.Base == "" || have.Base == r.base.Path {
		return r.base
	}
	return r.baseAt(have.Base)
}

// want is what the node shall be made from.
func (r *Run) want(node rendered) cluster.Metadata {
	return cluster.Metadata{
		Workspace: r.Workspace, Cluster: r.Prefix, Number: node.Number, Ignition: node.digest, Base: r.base.Path,
		Libvirt: r.where(), Image: r.identity, Disk: r.Disk,
	}
}

// inquire tells what there is of the node.
func (r *Run) inquire(ctx context.Context, node cluster.Node, domains map[string]cluster.Domain) (cluster.Found, error) {
	domain, defined := domains[node.Name]
	found := cluster.Found{
		Domain: domain, Defined: defined, Made: made(node), Leaving: exists(node.Leaving()),
		Recreate: r.Recreate == "changed", Force: r.recreates(node.Name), Redefine: r.Redefine,
	}
	var err error
	if found.Disk, err = diskOf(ctx, node, domain); err != nil {
		return found, err
	}
	if found.Orphan() && found.Made == nil && !found.Force {
		return found, hint.Errorf("recreate="+node.Name+" makes it anew, without them; or move the file away",
			"%s has data, and there is neither a domain that it belongs to nor word of what it was made from", r.relative(node.Overlay()))
	}
	if defined {
		found.Edited, err = edited(node, domain)
	}
	return found, err
}

// unrecorded is libvirt's definition of a node that is kept, where it is as it was made and no run has noted that.
func unrecorded(step cluster.Step, found cluster.Found) string {
	if step.Action != cluster.Keep || step.Edited != "" || found.Domain.Metadata.Definition != step.Want.Definition || recorded(step.Node, found.Domain) {
		return ""
	}
	return found.Domain.XML
}

// live tells what of a changed definition the running node takes.
func live(step *cluster.Step) {
	was, err := os.ReadFile(step.Node.XML())
	if err != nil || step.Action != cluster.Redefine || !step.Running || step.Edited != "" {
		return
	}
	cards, rest, err := cluster.LiveChanges(string(was), step.XML)
	if err != nil {
		return // somebody has changed the file
	}
	step.Live, step.Restart = cards, !step.AsStarted && (rest || len(cards) == 0 || step.Outdated)
}

// made is what the node's disk was made from, as its folder tells; nil where it does not.
func made(node cluster.Node) *cluster.Metadata {
	text, err := os.ReadFile(node.XML())
	if err != nil {
		return nil
	}
	domain, err := cluster.ParseDomain(string(text))
	if err != nil {
		return nil
	}
	return domain.Metadata
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// labMark is before the URI of a libvirt that is the lab's.
const labMark = "lab "

// where is the libvirt of this run, as it is noted of each node.
func (r *Run) where() string {
	if r.InLab {
		return labMark + r.URI
	}
	return r.URI
}

// recreates tells whether recreate= names the node.
func (r *Run) recreates(node string) bool {
	return r.all() || slices.Contains(strings.Split(r.Recreate, ","), node)
}

// edited is what differs between the definition as libvirt had it when it was made and as libvirt has it
// now: what somebody else changed, as with `virsh edit`.
func edited(node cluster.Node, domain cluster.Domain) (string, error) {
	if !recorded(node, domain) {
		return "", nil
	}
	made, err := os.ReadFile(node.Defined())
	if err != nil {
		return "", fmt.Errorf("cannot read the definition as it was made: %w", err)
	}
	was, is := comparable(string(made)), comparable(domain.XML)
	if was == is {
		return "", nil
	}
	return udiff.Unified("as it was made", "as it is", was, is), nil
}

// recorded tells whether it is known how the definition that there is was made. A run that ended between making one
// and noting it has left the record of one before, with other metadata.
func recorded(node cluster.Node, domain cluster.Domain) bool {
	text, err := os.ReadFile(node.Defined())
	if err != nil {
		return false
	}
	was, err := cluster.ParseDomain(string(text))
	return err == nil && was.Metadata != nil && *was.Metadata == *domain.Metadata
}

var (
	controllers = regexp.MustCompile(`(?s)[ \t]*<controller [^>]*(?:/>|[^/]>.*?</controller>)\n`)
	nvram       = regexp.MustCompile(`[ \t]*<nvram.*\n`)
)

// comparable is a definition without what libvirt adds by itself when the domain first starts, and with its controllers
// sorted at its end: libvirt puts them in another order by itself.
func comparable(text string) string {
	sorted := controllers.FindAllString(text, -1)
	slices.Sort(sorted)
	return nvram.ReplaceAllString(controllers.ReplaceAllString(text, ""), "") + strings.Join(sorted, "")
}

// diskOf looks at a node's overlay. One that a guest may be writing to is not pristine. What a guest wrote is not for
// everybody to read, and after it ran the file may be its user's: then it is not known what it stands on.
func diskOf(ctx context.Context, node cluster.Node, domain cluster.Domain) (cluster.Disk, error) {
	if !exists(node.Overlay()) {
		return cluster.Disk{}, nil
	}
	disk := cluster.Disk{Exists: true, Backing: domain.Backing}
	if domain.InUse() && disk.Backing != "" || !mayRead(node.Overlay()) {
		return disk, nil
	}
	info, err := image.Inspect(ctx, node.Overlay())
	if err != nil {
		return cluster.Disk{}, hint.Add(err, "`mage down` clears it away")
	}
	disk.Backing = info.Backing
	if !domain.InUse() {
		disk.Pristine, err = image.Pristine(ctx, node.Overlay())
	}
	return disk, err
}

func mayRead(path string) bool {
	file, err := os.Open(path)
	if err == nil {
		_ = file.Close()
	}
	return !errors.Is(err, fs.ErrPermission)
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
	p.Reason += takesEffect(s)
	switch {
	case s.Action == cluster.Keep && s.Starts():
		p.Action, p.Reason = "start", "it does not run"
	case s.Action == cluster.Keep:
		p.Action = "unchanged"
	}
	if s.Drift != "" {
		p.Reason += fmt.Sprintf("; %s since it was made: %s", s.Drift, anewBy(s))
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
