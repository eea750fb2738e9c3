// Package problem says what is wrong with a config in YAML: where in the file, why, and what helps.
package problem

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/printable"
)

// Problem is one thing wrong with a config.
type Problem struct {
	Line, Column int    // from 1, the column in characters; 0 if it is not known
	Kind         string // "error" or "warning"
	Text         string
	Hint         string // what to do about it; empty: what helps with all of the file
}

// Explain makes one error of problems, in the order of the file: for each "path:line:column: kind: text", the line
// itself, a caret under the place, and its hint. advice is the hint of those that have none of their own.
func Explain(path string, source []byte, problems []Problem, advice string) error {
	for i := range problems {
		problems[i].Hint = cmp.Or(problems[i].Hint, advice)
	}
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	problems = slices.Compact(problems)
	var out strings.Builder
	for i, p := range problems {
		out.WriteString(p.Show(path, source))
		if i+1 == len(problems) {
			return hint.Errorf(p.Hint, "%s", out.String())
		}
		if p.Hint != problems[i+1].Hint { // of several that have the same it is said once
			out.WriteString("\nhint: " + p.Hint)
		}
		out.WriteByte('\n')
	}
	return nil
}

// Show is the problem as people read it, without its hint.
func (p Problem) Show(path string, source []byte) string {
	lines := strings.Split(string(source), "\n")
	if p.Line < 1 || p.Line > len(lines) {
		return fmt.Sprintf("%s: %s: %s", path, p.Kind, p.Text)
	}
	head := fmt.Sprintf("%s:%d:%d: %s: %s", path, p.Line, p.Column, p.Kind, p.Text)
	number := fmt.Sprintf("%5d | ", p.Line)
	under := strings.Repeat(" ", len(number)-2) + "| " + p.under(lines[p.Line-1]) + "^"
	return fmt.Sprintf("%s\n%s%s\n%s", head, number, printable.Line(lines[p.Line-1]), under)
}

// under is what brings the caret below its column, also if the line has tabs.
func (p Problem) under(line string) string {
	before := []rune(line)
	before = before[:min(max(p.Column-1, 0), len(before))]
	shown := strings.TrimSuffix(printable.Line(string(before)+"^"), "^")
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, shown)
}
