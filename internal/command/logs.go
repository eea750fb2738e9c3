package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/fatih/color"
	"github.com/nxadm/tail"

	"coreos-libvirt/internal/cluster/facts"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/printable"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/wait"
)

// colours are those of the nodes' names, in turn.
var colours = []color.Attribute{color.FgCyan, color.FgYellow, color.FgGreen, color.FgMagenta, color.FgBlue, color.FgRed}

// Logs prints what nodes wrote on their consoles, of node= or of all; follow=true goes on with what
// comes. Lines of several nodes begin with the node's name. Escape sequences are left out.
func (r *Run) Logs(ctx context.Context) error {
	nodes, err := r.logged()
	if err != nil {
		return err
	}
	if !r.Follow {
		return r.printLogs(nodes)
	}
	return errors.Join(wait.AtOnce(len(nodes), func(i int) error { return r.followLog(ctx, nodes[i].Console(), prefixOf(nodes, i)) })...)
}

// logged are node=, or all nodes of the cluster prefix=, or of the workspace, and those of which no more than the log is
// there: a node that could not be started was taken back.
func (r *Run) logged() ([]workspace.Node, error) {
	domains, err := r.domains()
	if err != nil {
		return nil, err
	}
	nodes := map[string]workspace.Node{}
	entries, _ := os.ReadDir(r.vm())
	prefixes := r.prefixes(domains)
	for _, entry := range entries {
		if node, ok := facts.Folder(r.ws(), entry, r.givenPrefix(), prefixes); ok && workspace.Exists(node.Console()) && !r.ws().IsForeign(domains[node.Name]) {
			nodes[node.Name] = node
		}
	}
	for _, d := range engine.Members(domains, r.Workspace, r.givenPrefix()) {
		nodes[d.Name] = r.ws().NodeOf(d.Metadata)
	}
	if one, ok := nodes[r.Node]; ok {
		return []workspace.Node{one}, nil
	}
	if r.Node != "" || len(nodes) == 0 {
		_, err := r.chosenNodes() // which is none
		return nil, err
	}
	return slices.SortedFunc(maps.Values(nodes), func(a, b workspace.Node) int { return strings.Compare(a.Name, b.Name) }), nil
}

// prefixOf is what the lines of a node begin with.
func prefixOf(nodes []workspace.Node, i int) string {
	if len(nodes) < 2 {
		return ""
	}
	return color.New(colours[i%len(colours)]).Sprint(nodes[i].Name) + " "
}

// kernelClock is what the kernel's lines begin with: seconds since the boot.
var kernelClock = regexp.MustCompile(`^\[ *(\d+\.\d+)\]`)

// logLine is one of a node's, at a time since its boot.
type logLine struct {
	text string
	at   float64
}

// printLogs interleaves the nodes' lines by the kernel's clock where they have it; one that has none stays behind the line
// before it.
func (r *Run) printLogs(nodes []workspace.Node) error {
	all := []logLine{}
	for i, node := range nodes {
		lines, err := readLog(node.Console(), prefixOf(nodes, i))
		if err != nil {
			return err
		}
		all = append(all, lines...)
	}
	slices.SortStableFunc(all, func(a, b logLine) int { return cmp.Compare(a.at, b.at) })
	for _, line := range all {
		r.log.Say("%s", line.text)
	}
	return nil
}

func readLog(path, prefix string) (all []logLine, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // never booted
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the console log: %w", err)
	}
	at := 0.0
	for line := range strings.Lines(string(text)) {
		line = printable.Line(line)
		if clock := kernelClock.FindStringSubmatch(line); clock != nil {
			seconds, _ := strconv.ParseFloat(clock[1], 64)
			at = max(at, seconds) // a clock that begins anew is of another boot
		}
		all = append(all, logLine{prefix + line, at})
	}
	return all, nil
}

func (r *Run) followLog(ctx context.Context, path, prefix string) error {
	following, err := tail.TailFile(path, tail.Config{Follow: true, ReOpen: true, CompleteLines: true, Logger: tail.DiscardingLogger})
	if err != nil {
		return fmt.Errorf("cannot follow the console log: %w", err)
	}
	defer following.Cleanup()
	for {
		select {
		case <-ctx.Done():
			return following.Stop()
		case line, more := <-following.Lines:
			if !more {
				return following.Err()
			}
			r.log.Say("%s%s", prefix, printable.Line(line.Text))
		}
	}
}
