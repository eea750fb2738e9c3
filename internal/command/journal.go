package command

import (
	"context"
	"os"
	"slices"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest/units"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace/session"
	"coreos-libvirt/internal/workspace/wait"
)

// letSignal is how long the signal that has ended ssh may take to reach this process, too.
const letSignal = 300 * time.Millisecond

// Journal prints the journal of this boot of node=, or of all nodes, of unit= or all of it. Lines of several nodes begin with
// the node's name, and are in the order of their time. With follow=true they come as they are written, until the user ends that.
func Journal(ctx context.Context, r *Run) error {
	r.onlyLook()
	nodes, err := chosenNodes(r)
	if err != nil {
		return err
	}
	printed := journalOf(ctx, r, nodes)
	if ctx.Err() != nil || printed != 0 && !wait.Sleep(ctx, letSignal) {
		return following(ctx, r)
	}
	if printed != 0 {
		return session.ExitStatus(printed)
	}
	return nil
}

// following is not an error if the user has ended what would have gone on for ever.
func following(ctx context.Context, r *Run) error {
	if r.Follow {
		return nil
	}
	return ctx.Err()
}

// journalOf prints the journals of the nodes, and gives the worst exit status.
func journalOf(ctx context.Context, r *Run, nodes []engine.Domain) int {
	faults := progress.New(os.Stderr)
	status := make([]int, len(nodes))
	read := func(i int, each func(line string)) {
		failed := labelled{label: labelOf(nodes, i), say: faults.SayOwn}
		status[i] = sshTo(ctx, r, nodes[i], units.Journal(r.Unit, r.Follow), &labelled{say: each}, &failed)
	}
	if r.Follow {
		_ = wait.AtOnce(len(nodes), func(i int) error {
			read(i, func(line string) { r.log.SayOwn(labelOf(nodes, i) + line) })
			return nil
		})
		return slices.Max(status)
	}
	journals := make([]<-chan journalLine, len(nodes))
	for i := range nodes {
		journals[i] = journalFrom(labelOf(nodes, i), func(each func(string)) { read(i, each) })
	}
	merge(journals, r.log.SayOwn)
	return slices.Max(status)
}

// journalLine is a line of a node's, and the latest time that it or a line before it had: its clock may have been set.
type journalLine struct{ stamp, text string }

// journalFrom gives the lines that read reads, behind the label. It ends when read does.
func journalFrom(label string, read func(each func(line string))) <-chan journalLine {
	lines := make(chan journalLine, 256)
	go func() {
		defer close(lines)
		stamp := ""
		read(func(line string) {
			stamp = max(stamp, units.Stamp(line))
			lines <- journalLine{stamp, label + line}
		})
	}()
	return lines
}

// merge says all lines in the order of their times, those of each journal in its own.
func merge(journals []<-chan journalLine, say func(line string)) {
	heads := make([]journalLine, len(journals))
	open := make([]bool, len(journals))
	for i := range journals {
		heads[i], open[i] = <-journals[i]
	}
	for {
		first := -1
		for i := range heads {
			if open[i] && (first < 0 || heads[i].stamp < heads[first].stamp) {
				first = i
			}
		}
		if first < 0 {
			return
		}
		say(heads[first].text)
		heads[first], open[first] = <-journals[first]
	}
}
