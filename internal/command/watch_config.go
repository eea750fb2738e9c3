package command

import (
	"context"
	"fmt"
	"strings"
	"time"

	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/config/readable"
	"coreos-libvirt/internal/workspace"
)

// Watch transpiles and renders again on every save, and prints what changed in the nodes' Ignition documents, and what `mage up`
// would do now; nothing is written. What is wrong with a file is printed, and the watch goes on.
func Watch(ctx context.Context, r *Run) error {
	r.onlyLook()
	files, err := watchFiles(configPaths(r), r.log.Say)
	if err != nil {
		return err
	}
	defer files.close()
	w := configWatch{nodes: r.members(), render: toLook(r), say: r.log.Say, outlook: newOutlook(r), verdict: newVerdict(r)}
	before := w.rebuilt(ctx, nil)
	if before != nil {
		r.log.Say("watching %s and what it names; Ctrl-C ends", strings.Join(configPaths(r), ", "))
	} else {
		r.log.Say("watching %s and what it names for a good save; Ctrl-C ends", strings.Join(configPaths(r), ", "))
	}
	for files.next(ctx) {
		before = w.rebuilt(ctx, before)
	}
	return nil
}

// configWatch is what is rendered on every save, and where the changes are said.
type configWatch struct {
	nodes   []workspace.Node
	render  func(context.Context) (rendered, error)
	outlook *outlook
	verdict *verdict
	say     func(format string, args ...any)
}

// rebuilt renders again and prints the difference to before, or if there is no before that all is well. If there is an error,
// it prints that and gives before.
func (w configWatch) rebuilt(ctx context.Context, before map[string]string) map[string]string {
	begin := time.Now()
	seen, err := w.render(ctx)
	now := begin.Format(time.TimeOnly)
	for _, warning := range seen.source.Warnings() {
		w.say("%s", warning)
	}
	var after map[string]string
	if err == nil {
		after, err = readableTexts(seen.documents)
	}
	if err != nil {
		w.say("%s\n%s", now, err)
		return before
	}
	said := 0
	if before != nil {
		said = w.printDifferences(before, after)
	}
	switch took := time.Since(begin).Milliseconds(); {
	case before == nil:
		w.say("%s all %d Ignition documents are in order (%d ms)", now, len(after), took)
	case said == 0:
		w.say("%s nothing changed in the Ignition documents (%d ms)", now, took)
	default:
		w.say("%s that was all (%d ms)", now, took)
	}
	w.verdict.say(ctx, seen.source, w.say)
	w.outlook.say(ctx, seen, said > 0, w.say)
	return after
}

// readableNodes is each node's document as people read it, rendered from what the files are now. render must leave no trace:
// nothing is written, made or locked. warned are the warnings, which there are with an error, too.
func readableNodes(ctx context.Context, render func(context.Context) (rendered, error)) (texts map[string]string, warned []string, err error) {
	seen, err := render(ctx)
	if err == nil {
		texts, err = readableTexts(seen.documents)
	}
	return texts, seen.source.Warnings(), err
}

// readableTexts are the documents as people read them, by node.
func readableTexts(documents []config.Document) (map[string]string, error) {
	texts := map[string]string{}
	for _, d := range documents {
		text, err := readable.Document(d.JSON)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.Name, err)
		}
		texts[d.Name] = string(text)
	}
	return texts, nil
}

// printDifferences prints one unified diff for all nodes that have the same lines changed, and counts the diffs.
func (w configWatch) printDifferences(before, after map[string]string) int {
	names := []string{}
	for _, node := range w.nodes {
		names = append(names, node.Name)
	}
	all := readable.Differences(names, before, after)
	for _, d := range all {
		w.say("%s %s\n%s", time.Now().Format(time.TimeOnly), strings.Join(d.Nodes, ", "), d.Hunks)
	}
	return len(all)
}
