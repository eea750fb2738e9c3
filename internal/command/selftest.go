package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"coreos-libvirt/internal/cluster/blueprint"
	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/cluster/selftest"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest/facts"
	"coreos-libvirt/internal/image/download"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
	"coreos-libvirt/internal/workspace/session"
)

const (
	// selftestPrefix is of the cluster that `mage selftest` makes and removes.
	selftestPrefix = "selftest"
	selftestConfig = "templates/selftest.yml"
	// lastDown is how long the removal of the node may take when the user interrupts.
	lastDown = 30 * time.Second
)

// trial is one run of `mage selftest`: the node, and what there was before it.
type trial struct {
	run *Run // of the command line: its settings, and the log
	*selftest.Subject
	before []byte // vm/ignition-template.json, as it was; nil if there was none
}

// Selftest boots one node of image= and looks at each line of the table of facts in it and on this host. It prints what
// holds, writes a report without secrets, and leaves nothing else. An ExitStatus of 1 says that something does not hold.
func Selftest(ctx context.Context, r *Run) error {
	t := &trial{run: r, Subject: &selftest.Subject{
		Workspace: r.ws(), Node: r.ws().Node(selftestPrefix, 1), Access: r.access(selftestPrefix),
		Report: facts.Report{Image: download.Public(r.Image), Results: map[string]facts.Result{}},
		Ended:  ctx.Err, Say: r.log.Say,
	}}
	domains, err := r.domains()
	if err != nil {
		return err
	}
	if err := refuse(t.Workspace, t.Node, domains); err != nil {
		return err
	}
	t.before, _ = os.ReadFile(t.VM(workspace.TemplateName))
	if err := t.boot(ctx); err != nil {
		return err
	}
	t.Look(ctx, selftest.Means{Engine: r.conn, Grace: r.Grace, PlugIn: t.plugIn, Boot: t.bootAgain})
	return errors.Join(t.remove(ctx), t.tell(ctx))
}

// refuse is an error if there is a cluster, or what is left of one, of the node's name.
func refuse(w workspace.Workspace, node workspace.Node, domains map[string]engine.Domain) error {
	there := selftestDomains(domains, "the domain ")
	if _, err := os.Stat(node.Dir); err == nil {
		there = append(there, w.Relative(node.Dir))
	}
	if len(there) == 0 {
		return nil
	}
	slices.Sort(there)
	return hint.Errorf("`mage down prefix="+selftestPrefix+"` removes what is this workspace's", "there is %s already", strings.Join(there, " and "))
}

// selftestDomains are the domains that have a name of the cluster's, each with the word before it.
func selftestDomains(domains map[string]engine.Domain, word string) (names []string) {
	for name := range domains {
		if workspace.NumberOf(selftestPrefix, name) > 0 {
			names = append(names, word+name)
		}
	}
	return names
}

// with is a run on the node with words of its own, as a command line of that cluster's would make it.
func (t *trial) with(ctx context.Context, words ...string) (*Run, error) {
	words = append(words, "prefix="+selftestPrefix, "nodes=1", "config="+selftestConfig, "keep_going=true", "ready=on", "updates=off", "recreate=", "node=")
	return beside(ctx, t.run, About{}, words...)
}

// inTurn takes a run through stages, as far as they succeed.
func inTurn(ctx context.Context, stages ...func(context.Context) error) error {
	for _, stage := range stages {
		if err := stage(ctx); err != nil {
			return err
		}
	}
	return nil
}

// up takes the node through all stages of `mage up`. What they have defined is given with an error, too.
func (t *trial) up(ctx context.Context, words ...string) (r *Run, d defined, err error) {
	if r, err = t.with(ctx, words...); err != nil {
		return r, d, err
	}
	if err := inTurn(ctx, r.Preflight, r.Claim, r.Fetch, r.Transpile, r.Discovery, r.Render); err != nil {
		return r, d, err
	}
	if d, err = definedOf(ctx, r); err != nil {
		return r, d, err
	}
	return r, d, inTurn(ctx, r.Defined, r.Up)
}

// boot makes the node. An error is of what keeps there from being any; one that does not become ready is a finding.
func (t *trial) boot(ctx context.Context) error {
	if err := t.identify(ctx); err != nil {
		return err
	}
	r, d, err := t.up(ctx)
	if len(d.steps) == 0 {
		return errors.Join(err, t.remove(ctx))
	}
	source, _ := d.source.Of(t.Node.Name)
	t.Report.About = []string{
		fmt.Sprintf("host: %s, libvirt's type %s, firmware %s", r.Arch, machineOf(r, r.Settings, false).DomainType(r.conn), machineOf(r, r.Settings, false).FirmwareOn(blueprint.SystemOn(d.images[t.Node.Name], source.System()), engine.HostOf(r.conn).HasUEFI)),
		"date: " + time.Now().Format(time.DateOnly),
	}
	t.LookForReport(ctx, r.reach(), err)
	return nil
}

// identify gets the image, and finds out which distribution is on it.
func (t *trial) identify(ctx context.Context) error {
	r, err := t.with(ctx)
	if err != nil {
		return err
	}
	images, err := imagesOf(ctx, r)
	if err != nil {
		return err
	}
	image := images.baseImages[t.Node.Name]
	t.Report.Distribution, t.Report.Version = distributionOf(r.Image, image.System()), image.Version
	if t.Report.Distribution == "" {
		return hint.Errorf("image=fcos-stable, image=flatcar-stable, or a file that has fcos or flatcar in its name", "image=%s: it does not say which distribution it is", r.Image)
	}
	return nil
}

// distributionOf is the table's name of what is on an image, or empty. os is the system that the image says that it has.
func distributionOf(image, os string) facts.Distribution {
	if d := facts.Distribution(image); strings.HasPrefix(image, string(facts.Lab)) && slices.Contains(facts.Distributions, d) {
		return d
	}
	if d := facts.Distribution(os); d == facts.FCOS || d == facts.Flatcar {
		return d
	}
	return ""
}

// plugIn gives the running node more, as `mage up vcpu= ram=` does.
func (t *trial) plugIn(ctx context.Context, processors, mib int) error {
	_, _, err := t.up(ctx, fmt.Sprintf("vcpu=%d", t.run.VCPU+processors), fmt.Sprintf("ram=%d", t.run.RAM+mib))
	return err
}

// bootAgain boots the node as it is.
func (t *trial) bootAgain(ctx context.Context) (boot.Node, error) {
	r, err := t.with(ctx)
	if err != nil {
		return boot.Node{}, err
	}
	return r.booter(nil, nothingMade).One(ctx, plan.Step{Node: t.Node}), nil
}

// remove takes the node and all of its cluster away, also after an interruption, and looks whether something is left.
func (t *trial) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastDown)
	defer cancel()
	r, err := t.with(ctx)
	if err == nil {
		err = errors.Join(r.Down(ctx), restore(t.VM(workspace.TemplateName), t.before))
	}
	domains, _ := t.run.domains()
	t.LookForLeft(append(selftestDomains(domains, "domain "), selftestFiles(t.Workspace)...), err)
	return err
}

// restore brings back the file as it was before; nil is no file.
func restore(path string, before []byte) error {
	if before == nil {
		return workspace.Forget(path)
	}
	_, err := artifact.WriteIfChanged(path, before, 0o600)
	return err
}

// selftestFiles are what is in vm/ and has the cluster's name.
func selftestFiles(w workspace.Workspace) (paths []string) {
	entries, _ := os.ReadDir(w.VM())
	for _, entry := range entries {
		name := strings.TrimPrefix(entry.Name(), ".")
		if strings.Contains(name, selftestPrefix) && entry.Name() != filepath.Base(w.Lock(selftestPrefix)) && !strings.HasSuffix(name, ".md") {
			paths = append(paths, "vm/"+entry.Name())
		}
	}
	return paths
}

// tell prints the table, and writes it where the user finds it. An interrupted run has nothing to attach to an issue.
func (t *trial) tell(ctx context.Context) error {
	t.Say("")
	t.Report.Print(t.run.log.Writer())
	if ctx.Err() != nil {
		return ctx.Err()
	}
	path := t.VM(reportName(t.Report.Image, t.Report.Version))
	if err := artifact.Write(path, []byte(t.Report.Markdown()), 0o644); err != nil {
		return err
	}
	t.Say("%s has it without addresses and keys, to attach to an issue", t.Relative(path))
	if !t.Report.Good() {
		return session.ExitStatus(1)
	}
	return nil
}

// reportName is the name of the file with the report of an image.
func reportName(image, version string) string {
	name := strings.Join(strings.FieldsFunc("selftest-"+filepath.Base(image)+"-"+version, func(c rune) bool { return c == '@' || c == '/' }), "-")
	return strings.Trim(unusual.ReplaceAllString(name, "_"), "-") + ".md"
}

// unusual is what a file's name is better without.
var unusual = regexp.MustCompile(`[^A-Za-z0-9._-]+`)
