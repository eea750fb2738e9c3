package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/config/verify"
	"coreos-libvirt/internal/config/verify/lacks"
	written "coreos-libvirt/internal/config/verify/place"
	"coreos-libvirt/internal/config/verify/sandbox"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/table"
	"coreos-libvirt/internal/upstream"
	"coreos-libvirt/internal/workspace/session"
)

// Verify prints what is wrong with the nodes' documents, as the programs say that will read what is in them. Its exit status is 1
// if something cannot be right, with strict=true also if something may be wrong.
func Verify(ctx context.Context, r *Run) error {
	source, err := sourceOf(r)
	if err != nil {
		return err
	}
	begin, judge := time.Now(), &verify.Judge{}
	if judge.Programs, err = upstream.Ensure(ctx, bin(r), warn); err != nil {
		return err
	}
	report, err := judge.All(ctx, toJudge(ctx, r, source))
	if err != nil {
		return hint.Add(err, "run it as root, or allow users namespaces of their own; `verify=off` leaves it out elsewhere")
	}
	wrong := len(report.Errors()) > 0 || r.Strict && len(report.Findings) > 0
	if r.Format == "json" {
		return errors.Join(table.JSON(r.out, report), failed(wrong))
	}
	for _, text := range findingTexts(report.Findings) {
		r.log.Say("%s", text)
	}
	for _, text := range report.Missing {
		r.log.Say("verify: %s", text)
	}
	r.log.Say("verify: %s (%d ms)", summary(report, len(r.members())), time.Since(begin).Milliseconds())
	return failed(wrong)
}

// failed is exit status 1, if something is wrong that has been said.
func failed(wrong bool) error {
	if wrong {
		return session.ExitStatus(1)
	}
	return nil
}

// bin is the folder of the programs that judge documents.
func bin(r *Run) string { return filepath.Join(r.Cache, "bin") }

// toJudge are the nodes' documents as they were made for trial, with the files that they were made of, and the system of their own
// image.
func toJudge(ctx context.Context, r *Run, set config.Set) (nodes []verify.Node) {
	names, images := map[string]string{}, map[string]lacks.Image{}
	for _, p := range partsOf(r) {
		has := imageOf(ctx, r, p.Settings)
		for _, node := range p.nodes {
			names[node.Name], images[node.Name] = p.Image, has
		}
	}
	for _, source := range set.Sources {
		for _, d := range source.Tried {
			files, replace := source.Written(d.Node)
			n := verify.Node{Name: d.Name, MAC: d.MAC, JSON: d.JSON, System: cmp.Or(source.System(), base.SystemOf(names[d.Name])), Image: images[d.Name], Replace: replace}
			for _, f := range files {
				n.Files = append(n.Files, written.File(f))
			}
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// findingTexts are findings as people read them.
func findingTexts(findings []verify.Finding) (texts []string) {
	for _, f := range findings {
		texts = append(texts, f.Show())
	}
	return texts
}

// summary is how many findings there are, and in what.
func summary(report verify.Report, nodes int) string {
	wrong := len(report.Errors())
	return fmt.Sprintf("%s and %s in the documents of %s", count(wrong, "error"), count(len(report.Findings)-wrong, "warning"), count(nodes, "node"))
}

// verified judges the documents on the way of another target: warnings are said, and errors are its error. If they cannot be judged
// here that is said in a line.
func verified(ctx context.Context, r *Run, source config.Set) error {
	return verifiedBy(ctx, r, source, r.log.Say)
}

// verifiedBeside is verified for a target that prints: what it says is not part of that.
func verifiedBeside(ctx context.Context, r *Run, source config.Set) error {
	return verifiedBy(ctx, r, source, warn)
}

func verifiedBy(ctx context.Context, r *Run, source config.Set, say func(string, ...any)) error {
	if !r.Verify {
		return nil
	}
	report, err := reported(ctx, r, &verify.Judge{}, source, say)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		say("verify: left out: %s", hint.FirstLine(err))
		return nil
	}
	for _, text := range findingTexts(report.Warnings()) {
		say("%s", text)
	}
	if wrong := findingTexts(report.Errors()); len(wrong) > 0 {
		return hint.Errorf(fmt.Sprintf("`%s` judges again; with verify=off this is not looked at", asCalled(r.Settings, "verify")), "%s", strings.Join(wrong, "\n"))
	}
	return nil
}

// reported judges the documents of the source.
func reported(ctx context.Context, r *Run, judge *verify.Judge, source config.Set, say func(string, ...any)) (report verify.Report, err error) {
	if missing := sandbox.Missing(); missing != "" {
		return report, fmt.Errorf("this host has no %s", missing)
	}
	if judge.Programs, err = upstream.Ensure(ctx, bin(r), say); err != nil {
		return report, err
	}
	return judge.All(ctx, toJudge(ctx, r, source))
}

// verdict is what a watch says of documents, if it is something else than before.
type verdict struct {
	run   *Run
	judge *verify.Judge // remembers what it said
	last  string
}

func newVerdict(r *Run) *verdict { return &verdict{run: r, judge: &verify.Judge{}} }

// say judges the documents, and says what it found unless that was the same before.
func (v *verdict) say(ctx context.Context, source config.Set, say func(string, ...any)) {
	if v == nil || !v.run.Verify {
		return
	}
	report, err := reported(ctx, v.run, v.judge, source, say)
	text := strings.Join(findingTexts(report.Findings), "\n")
	if err != nil {
		text = "verify: left out: " + hint.FirstLine(err)
	}
	if text == v.last || ctx.Err() != nil {
		return
	}
	if v.last = text; text == "" {
		text = "verify: nothing is wrong any more"
	}
	say("%s %s", time.Now().Format(time.TimeOnly), text)
}
