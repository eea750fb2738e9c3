package command

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/terminal/table"
	"coreos-libvirt/internal/workspace/wait"
)

// followEvery is how long it is waited between two looks.
const followEvery = time.Second

// followStatus shows how the nodes are until ctx ends, which is not an error. On a terminal the table is drawn again, elsewhere
// what changed is printed: all of it at first, then a line a node. An uptime that grows is no change.
func followStatus(ctx context.Context, r *Run) error {
	var before map[string]string
	redraw, look := r.log.Redraw(), &unitsLook{}
	for {
		seen, err := seeStatus(ctx, r, look)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		case redraw != nil && r.Format != "json":
			err = seen.draw(redraw)
		default:
			before, err = seen.printChanges(r, before)
		}
		if err != nil || !wait.Sleep(ctx, followEvery) {
			return err
		}
	}
}

// draw shows all that was seen in the place of what was shown before.
func (s seenStatus) draw(redraw *progress.Redraw) error {
	var text bytes.Buffer
	if err := s.print(&text); err != nil {
		return err
	}
	for _, line := range s.warnings {
		fmt.Fprintln(&text, line)
	}
	if s.strangers != nil {
		fmt.Fprintln(&text, s.strangers)
	}
	return redraw.Draw(strings.Split(strings.TrimRight(text.String(), "\n"), "\n"))
}

// printChanges prints what is not as before, and gives the line of each node as it is now.
func (s seenStatus) printChanges(r *Run, before map[string]string) (map[string]string, error) {
	now, changed := map[string]string{}, []string{}
	for _, node := range s.nodes {
		cells := node.cells()
		whole := strings.Join(cells, "   ")
		cells[uptimeCell] = ""
		if now[node.Node] = strings.Join(cells, "   "); now[node.Node] != before[node.Node] {
			changed = append(changed, whole)
		}
	}
	for node := range before {
		if _, there := now[node]; !there {
			changed = append(changed, node+"   gone")
		}
	}
	switch {
	case r.Format == "json" && (before == nil || len(changed) > 0):
		return now, table.JSON(r.out, s.nodes)
	case before == nil:
		return now, s.print(r.log.Writer())
	case r.Format != "json":
		for _, line := range changed {
			r.log.Say("%s   %s", time.Now().Format(time.TimeOnly), line)
		}
	}
	return now, nil
}
