package stage

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/aymanbagabas/go-udiff"
	"github.com/fsnotify/fsnotify"

	"coreos-libvirt/internal/progress"
	"coreos-libvirt/internal/readable"
)

// settle is how long a save may take: editors write a file in several steps.
const settle = 5 * time.Millisecond

// Watch transpiles and renders again on every save, and prints what changed in the nodes' Ignition
// documents. What is wrong with a file is printed, and the watch goes on.
func (r *Run) Watch(ctx context.Context) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("cannot watch files: %w", err)
	}
	defer func() { _ = watcher.Close() }()
	if err := r.watchFolders(watcher); err != nil {
		return err
	}
	before := r.rebuilt(ctx, nil)
	r.log.Say("watching %s and what it names; Ctrl-C ends", r.configPath())
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-watcher.Errors:
			return fmt.Errorf("cannot watch files: %w", err)
		case <-watcher.Events:
			drain(watcher, settle)
			if err := r.watchFolders(watcher); err != nil { // new folders
				return err
			}
			before = r.rebuilt(ctx, before)
		}
	}
}

// watchFolders watches the config's folder, ignition/ and all below them, and the templates.
func (r *Run) watchFolders(watcher *fsnotify.Watcher) error {
	for _, root := range []string{filepath.Dir(r.configPath()), "ignition", "templates"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.IsDir() {
				return nil //nolint:nilerr // a file that is gone again is no reason to stop
			}
			return watcher.Add(path)
		})
		if err != nil {
			return fmt.Errorf("cannot watch %s: %w", root, err)
		}
	}
	return nil
}

// drain takes the events that follow within the time.
func drain(watcher *fsnotify.Watcher, quiet time.Duration) {
	for timer := time.NewTimer(quiet); ; {
		select {
		case <-watcher.Events:
		case <-timer.C:
			return
		}
	}
}

// rebuilt renders anew and prints the difference to before; with an error it prints that and gives before.
func (r *Run) rebuilt(ctx context.Context, before map[string]string) map[string]string {
	begin := time.Now()
	after, err := r.readableNodes(ctx)
	if err != nil {
		r.log.Say("%s\n%s", time.Now().Format(time.TimeOnly), err)
		return before
	}
	if before == nil {
		return after
	}
	said := r.printDifferences(before, after)
	took := time.Since(begin).Milliseconds()
	if said == 0 {
		r.log.Say("%s nothing changed in the Ignition documents (%d ms)", time.Now().Format(time.TimeOnly), took)
	} else {
		r.log.Say("%s that was all (%d ms)", time.Now().Format(time.TimeOnly), took)
	}
	return after
}

// readableNodes is each node's document as people read it, rendered quietly from what the files are now.
func (r *Run) readableNodes(ctx context.Context) (map[string]string, error) {
	quiet := &Run{
		Settings: r.Settings, Workspace: r.Workspace, log: progress.New(io.Discard), held: r.held, preview: true,
	}
	for _, stage := range []func(context.Context) error{quiet.Transpile, quiet.Discovery, quiet.Render} {
		if err := stage(ctx); err != nil {
			return nil, err
		}
	}
	texts := map[string]string{}
	for _, node := range quiet.nodes {
		text, err := readable.Document(node.doc)
		if err != nil {
			return nil, err
		}
		texts[node.Name] = string(text)
	}
	return texts, nil
}

// printDifferences prints one unified diff for all nodes that have the same lines changed, and counts
// the diffs.
func (r *Run) printDifferences(before, after map[string]string) int {
	var diffs []string
	nodes := map[string][]string{} // by the changed lines
	for _, node := range r.members() {
		diff := udiff.Unified("", "", before[node.Name], after[node.Name])
		changed := changedLines(diff)
		if diff != "" && nodes[changed] == nil {
			diffs = append(diffs, diff)
		}
		nodes[changed] = append(nodes[changed], node.Name)
	}
	for _, diff := range diffs {
		_, hunks, _ := strings.Cut(diff, "@@") // the first two lines would name files
		r.log.Say("%s %s\n@@%s", time.Now().Format(time.TimeOnly), strings.Join(nodes[changedLines(diff)], ", "), strings.TrimSuffix(hunks, "\n"))
	}
	return len(diffs)
}

// changedLines are a diff's lines that were taken away or added, without those around them.
func changedLines(diff string) string {
	var changed strings.Builder
	for line := range strings.Lines(diff) {
		if line[0] == '+' || line[0] == '-' {
			changed.WriteString(line)
		}
	}
	return changed.String()
}
