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

	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/guest/facts"
	"coreos-libvirt/internal/image/base"
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

// selftest is one run of `mage selftest`: what it found so far, and the node that it finds it on.
type selftest struct {
	*Run                     // of the command line: its settings, and the log
	held   map[string]func() // locks, of all runs on the node
	report facts.Report
	node   workspace.Node
	before []byte       // vm/ignition-template.json, as it was; nil where there was none
	said   guest.Report // of the node
	access guest.Access
	ended  func() error // whether the user has interrupted it: what is seen after that says nothing
}

// Selftest boots one node of image= and looks at each line of the table of facts in it and on this host. It prints what
// holds, writes a report without secrets, and leaves nothing else. An ExitStatus of 1 says that something does not hold.
func (r *Run) Selftest(ctx context.Context) error {
	s := &selftest{Run: r, held: map[string]func(){}, node: workspace.Nodes(r.vm(), selftestPrefix, 1)[0], access: r.access(selftestPrefix), ended: ctx.Err}
	s.report = facts.Report{Image: download.Public(r.Image), Results: map[string]facts.Result{}}
	if err := s.refuse(); err != nil {
		return err
	}
	s.before, _ = os.ReadFile(r.vm(workspace.TemplateName))
	if err := s.boot(ctx); err != nil {
		return err
	}
	for _, look := range []func(context.Context){
		s.lookInside, s.lookAtConsole, s.lookAtKeys, s.lookAtLabels, s.plugIn, s.shutDown, s.bootAgain, s.breakDown,
	} {
		if ctx.Err() == nil && s.booted() {
			look(ctx)
		}
	}
	return errors.Join(s.remove(ctx), s.tell(ctx))
}

// booted tells whether there is a node to look at.
func (s *selftest) booted() bool { return s.said.Address(s.node.MAC) != "" }

// is notes what was found of a fact.
func (s *selftest) is(fact string, result facts.Result) {
	if s.ended() == nil {
		s.report.Results[fact] = result
	}
}

// refuse is an error if there is a cluster, or what is left of one, of the name.
func (s *selftest) refuse() error {
	domains, err := s.domains()
	if err != nil {
		return err
	}
	left := []string{}
	for name := range domains {
		if workspace.NumberOf(selftestPrefix, name) > 0 {
			left = append(left, "the domain "+name)
		}
	}
	if _, err := os.Stat(s.node.Dir); err == nil {
		left = append(left, s.relative(s.node.Dir))
	}
	if len(left) == 0 {
		return nil
	}
	slices.Sort(left)
	return hint.Errorf("`mage down prefix="+selftestPrefix+"` removes what is this workspace's", "there is %s already", strings.Join(left, " and "))
}

// with is a run on the node with words of its own, as a command line of that cluster's would make it.
func (s *selftest) with(ctx context.Context, words ...string) (*Run, error) {
	words = append(words, "prefix="+selftestPrefix, "nodes=1", "config="+selftestConfig, "keep_going=true", "ready=on", "updates=off", "recreate=", "node=")
	own := slices.DeleteFunc(slices.Clone(s.given), func(word string) bool {
		key, _, _ := strings.Cut(word, "=")
		return slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, key+"=") })
	})
	r, err := New(append(own, words...))
	if err != nil {
		return nil, err
	}
	r.log, r.locks, r.conn = s.log, s.locks, s.conn
	r.endsWith(ctx)
	return r, nil
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

// up takes the node through all stages of `mage up`.
func (s *selftest) up(ctx context.Context, words ...string) (*Run, error) {
	r, err := s.with(ctx, words...)
	if err != nil {
		return nil, err
	}
	return r, inTurn(ctx, r.Preflight, r.Claim, r.Fetch, r.Transpile, r.Discovery, r.Render, r.Define, r.Defined, r.Up)
}

// boot makes the node. An error is of what keeps there from being any; one that does not become ready is a finding.
func (s *selftest) boot(ctx context.Context) error {
	if err := s.identify(ctx); err != nil {
		return err
	}
	r, err := s.up(ctx)
	if r == nil || len(r.steps) == 0 {
		return errors.Join(err, s.remove(ctx))
	}
	s.report.About = []string{
		fmt.Sprintf("host: %s, libvirt's type %s, firmware %s", s.Arch, r.domainType(r.conn), r.firmware(r.base, r.conn.HasUEFI)),
		"date: " + time.Now().Format(time.DateOnly),
	}
	s.said, _ = r.reach().Kept(s.node.Name)
	reported := s.said.BootID != ""
	s.is("ready", facts.Found(err == nil && reported, "%s", orText(err, fmt.Sprintf("network after %.0f s, sshd after %.0f s", s.said.Network.At, s.said.SSHD.At))))
	if !reported && ctx.Err() == nil {
		if found, _, err := r.reach().Searched(ctx, s.node); err == nil {
			s.said, s.access.New = found, true
		}
	}
	address := s.said.Address(s.node.MAC)
	s.is("address", facts.Found(address != "" && reported, "%s", orText(nil, address)))
	return nil
}

// identify gets the image, and finds out which distribution is on it.
func (s *selftest) identify(ctx context.Context) error {
	r, err := s.with(ctx)
	if err == nil {
		err = r.Fetch(ctx)
	}
	if err != nil {
		return err
	}
	s.report.Distribution, s.report.Version = distributionOf(r, r.base), r.base.Version
	if s.report.Distribution == "" {
		return hint.Errorf("image=fcos-stable, image=flatcar-stable, or a file that has fcos or flatcar in its name", "image=%s: it does not tell which distribution it is", s.Image)
	}
	return nil
}

// orText is the error's text, or the other.
func orText(err error, text string) string {
	switch {
	case err != nil:
		return err.Error()
	case text == "":
		return "nothing"
	}
	return text
}

// distributionOf is the table's name of what is on an image, or empty.
func distributionOf(r *Run, image base.Image) facts.Distribution {
	if d := facts.Distribution(r.Image); strings.HasPrefix(r.Image, string(facts.Lab)) && slices.Contains(facts.Distributions, d) {
		return d
	}
	if d := facts.Distribution(r.osOf(image)); d == facts.FCOS || d == facts.Flatcar {
		return d
	}
	return ""
}

// remove takes the node and all of its cluster away, also after an interruption, and looks whether something is left.
func (s *selftest) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastDown)
	defer cancel()
	r, err := s.with(ctx)
	if err == nil {
		err = errors.Join(r.Down(ctx), s.restore())
	}
	left := s.left()
	s.report.Results["down"] = facts.Found(err == nil && len(left) == 0, "left: %s", orText(err, strings.Join(left, ", ")))
	return err
}

// restore brings back the template of the user's own config.
func (s *selftest) restore() error {
	if s.before == nil {
		return workspace.Forget(s.vm(workspace.TemplateName))
	}
	_, err := artifact.WriteIfChanged(s.vm(workspace.TemplateName), s.before, 0o600)
	return err
}

// left is what there is of the cluster: a domain, or something in vm/ that has its name.
func (s *selftest) left() (left []string) {
	domains, _ := s.domains()
	for name := range domains {
		if workspace.NumberOf(selftestPrefix, name) > 0 {
			left = append(left, "domain "+name)
		}
	}
	entries, _ := os.ReadDir(s.vm())
	for _, entry := range entries {
		name := strings.TrimPrefix(entry.Name(), ".")
		if strings.Contains(name, selftestPrefix) && entry.Name() != filepath.Base(s.ws().Lock(selftestPrefix)) && !strings.HasSuffix(name, ".md") {
			left = append(left, "vm/"+entry.Name())
		}
	}
	return left
}

// tell prints the table, and writes it where the user finds it. An interrupted run has nothing to attach to an issue.
func (s *selftest) tell(ctx context.Context) error {
	s.log.Say("")
	s.report.Print(s.log.Writer())
	if ctx.Err() != nil {
		return ctx.Err()
	}
	name := strings.Join(strings.FieldsFunc("selftest-"+filepath.Base(s.report.Image)+"-"+s.report.Version, func(c rune) bool { return c == '@' || c == '/' }), "-")
	path := s.vm(strings.Trim(unusual.ReplaceAllString(name, "_"), "-") + ".md")
	if err := artifact.Write(path, []byte(s.report.Markdown()), 0o644); err != nil {
		return err
	}
	s.log.Say("%s has it without addresses and keys, to attach to an issue", s.relative(path))
	if !s.report.Good() {
		return session.ExitStatus(1)
	}
	return nil
}

// unusual is what a file's name is better without.
var unusual = regexp.MustCompile(`[^A-Za-z0-9._-]+`)
