package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"coreos-libvirt/internal/config/kola"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/guest/check"
	"coreos-libvirt/internal/guest/check/report"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
	"coreos-libvirt/internal/workspace/wait"
)

// Check runs the user's own tests on the nodes, one after the other, each on all its nodes at once. Its exit status is 1 if one has failed.
func Check(ctx context.Context, r *Run) error {
	results, err := checked(ctx, r)
	if err != nil && len(results) == 0 {
		return errors.Join(noneAsJSON(r), err)
	}
	if err != nil {
		return err
	}
	if r.Format != "table" {
		err = report.Write(r.out, r.Format, results)
	}
	return errors.Join(err, failed(anyFailed(results)))
}

// checked are the results of the tests that are asked for, which it says as they come.
func checked(ctx context.Context, r *Run) ([]check.Result, error) {
	tests, err := testsOf(r)
	if err != nil {
		return nil, err
	}
	nodes, err := nodesToCheck(r)
	if err != nil {
		return nil, err
	}
	unlock, err := artifact.Lock(ctx, r.ws().VM(".check."+r.Prefix), func() { r.log.Say("check: another one runs tests on %s; waiting for it", r.Prefix) })
	if err != nil {
		return nil, err
	}
	defer unlock()
	c := checking{run: r, nodes: nodes, about: make([]aboutNode, len(nodes)), lost: make([]string, len(nodes))}
	c.lookAtNodes(ctx)
	results := []check.Result{}
	for _, t := range tests {
		if ctx.Err() != nil {
			return results, ctx.Err()
		}
		results = append(results, c.test(ctx, t)...)
	}
	r.log.Say("check: %s", checkSummary(results))
	return results, ctx.Err()
}

// testsOf are the tests beside the config that are asked for, at least one.
func testsOf(r *Run) ([]kola.Test, error) {
	folder := testsFolder(r)
	shown := r.ws().Relative(folder)
	all, err := kola.Find(folder, r.ws().Relative)
	if errors.Is(err, fs.ErrNotExist) && len(all) == 0 || err == nil && len(all) == 0 {
		return nil, hint.Errorf("put an executable there, as "+shown+"/basic: docs/check.md says what it may be", "%s has no tests", shown)
	}
	if err != nil {
		return nil, err
	}
	selected, err := kola.Select(all, commaWords(r.Test), commaWords(r.Tags))
	if err == nil && len(selected) == 0 {
		err = hint.Errorf("`"+asCalled(r.Settings, "check")+"` runs all but those that require a tag", "test=%s tags=%s: none of the %s of %s is meant", r.Test, r.Tags, count(len(all), "test"), shown)
	}
	return selected, err
}

// testsFolder is beside the config.
func testsFolder(r *Run) string { return filepath.Join(filepath.Dir(configPath(r)), "tests") }

// commaWords are the words of a text, between commas or blanks.
func commaWords(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' })
}

// nodesToCheck are the nodes of the cluster, or the one that node= names. All of them run.
func nodesToCheck(r *Run) ([]engine.Domain, error) {
	domains, err := r.domains()
	if err != nil {
		return nil, err
	}
	c := chosen(r)
	c.prefix, c.asked = r.Prefix, asCalled(r.Settings, "check")
	nodes, err := c.some(domains)
	for _, node := range nodes {
		err = errors.Join(err, standsStill(r.Settings, node))
	}
	return nodes, err
}

// checking is a run of tests on nodes.
type checking struct {
	run   *Run
	nodes []engine.Domain
	about []aboutNode
	lost  []string // the test after which the node was no longer there
}

// aboutNode is what a node says of itself.
type aboutNode struct {
	arch, distro string
	err          error
}

func (c *checking) lookAtNodes(ctx context.Context) {
	_ = wait.AtOnce(len(c.nodes), func(i int) error {
		a := &c.about[i]
		a.arch, a.distro, a.err = c.node(i).About(ctx)
		return nil
	})
}

// node is one as tests reach it.
func (c *checking) node(i int) check.Node {
	d := c.nodes[i]
	return check.Node{Name: d.Name, User: c.run.User, Boot: c.run.Timeout, Way: func(ctx context.Context) (access guest.Access, address string, err error) {
		now, err := c.run.domains()
		if err != nil {
			return access, "", err
		}
		if at := now[d.Name]; at.State == engine.ShutOff || at.Name == "" {
			return access, "", fmt.Errorf("%w: libvirt says that it is %s", check.ErrGone, at.Described())
		}
		return c.run.reach().Way(ctx, d)
	}}
}

// test runs a test on all nodes that it is for, at once; one that wants one node on the first of them.
func (c *checking) test(ctx context.Context, t kola.Test) []check.Result {
	for _, note := range t.Notes {
		c.run.log.Say("%s: %s", t.Name, note)
	}
	on, results := c.fit(t)
	mine := make([]check.Result, len(on))
	_ = wait.AtOnce(len(on), func(i int) error {
		mine[i] = c.on(ctx, on[i], t)
		return nil
	})
	return append(results, mine...)
}

// fit are the nodes that the test runs on, by number, and the results of the others.
func (c *checking) fit(t kola.Test) (on []int, results []check.Result) {
	for i, node := range c.nodes {
		why := t.Unfit(c.about[i].arch, c.about[i].distro)
		switch {
		case t.OneNode && len(on) > 0:
		case c.about[i].err == nil && why != "":
			results = append(results, c.said(check.Result{Test: t.Name, Node: node.Name, Status: check.Skipped, Why: why}))
		default:
			on = append(on, i)
		}
	}
	if t.OneNode && len(on) > 0 { // it runs: that others are not for it is nothing to tell
		results = nil
	}
	return on, results
}

// on runs the test on a node, unless that cannot be reached, or no longer since a test before.
func (c *checking) on(ctx context.Context, i int, t kola.Test) check.Result {
	name, none := c.nodes[i].Name, check.Result{Test: t.Name, Node: c.nodes[i].Name, Status: check.Failed}
	if err := c.about[i].err; err != nil {
		none.Why = hint.FirstLine(err)
		return c.said(none)
	}
	if c.lost[i] != "" {
		none.Why = "it did not run: the node is lost since the test " + c.lost[i]
		return c.said(none)
	}
	job := check.Job{Name: t.Name, Exe: t.Exe, Base: filepath.Base(t.Exe), Data: t.Data, Timeout: cmp.Or(t.Timeout, c.run.Timeout)}
	c.run.log.Say("%s %s: runs", name, t.Name)
	label := coloured(name, i) + " " + t.Name + ": "
	result := c.node(i).Run(ctx, job, func(line string) { c.run.log.SayOwn(label + line) })
	if result.Lost {
		c.lost[i] = t.Name
	}
	return c.said(result)
}

// said says what became of the test.
func (c *checking) said(r check.Result) check.Result {
	text := string(r.Status)
	if r.Why != "" {
		text += ": " + r.Why
	}
	c.run.log.Say("%s %s: %s (%.1f s)", r.Node, r.Test, text, r.Took.Seconds())
	return r
}

func anyFailed(results []check.Result) bool { return countOf(results, check.Failed) > 0 }

func countOf(results []check.Result, status check.Status) (n int) {
	for _, r := range results {
		if r.Status == status {
			n++
		}
	}
	return n
}

func checkSummary(results []check.Result) string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", countOf(results, check.Passed), countOf(results, check.Failed), countOf(results, check.Skipped))
}
