package timeline

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"coreos-libvirt/internal/terminal/table"
)

// letters stand for phases on a terminal, which may have no colours.
var letters = map[string]string{
	"overlay": "o", "define": "d", "start": "s", "firmware": "f", "boot loader": "b", "kernel": "k", "Ignition": "I", "system": "S", "login": "l",
	"network": "n", "sshd": "h", "ready": "r", Joins: "+", Leaves: "-", Forms: "E",
}

// leastWidth is how many columns a drawing on a terminal has at least.
const leastWidth = 40

// Text writes the timeline for a terminal of so many columns: a line a node, a letter a phase, and below them how long each phase took.
func (t Timeline) Text(w io.Writer, width int) error {
	begin, end := bounds(t.Nodes)
	names := slices.Sorted(maps.Keys(t.Nodes))
	longest := 0
	for _, name := range names {
		longest = max(longest, len(t.label(name)))
	}
	room := max(width-longest-2, leastWidth)
	scale := float64(room) / max(end.Sub(begin).Seconds(), 1)
	fmt.Fprintf(w, "%s\n\n", t.Title())
	times := table.New("NODE", "PHASE", "", "FROM", "SECONDS")
	for _, name := range names {
		line := []byte(strings.Repeat(".", room))
		for _, bar := range segments(t.Nodes[name], begin, end, scale) {
			letter, from := letters[bar.Phase], bar.X-labelWidth
			if letter == "" {
				letter = "?"
			}
			for x := int(from); x < min(room, max(int(from)+1, int(from+bar.Width+0.5))); x++ {
				line[x] = letter[0]
			}
			times.Row(t.label(name), bar.Phase, letter, fmt.Sprintf("%.1f", from/scale), fmt.Sprintf("%.1f", bar.Seconds))
		}
		fmt.Fprintf(w, "%-*s  %s\n", longest, t.label(name), line)
	}
	fmt.Fprintln(w)
	return times.Print(w)
}
