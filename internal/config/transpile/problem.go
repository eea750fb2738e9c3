package transpile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"coreos-libvirt/internal/terminal/hint"
)

// problem is one thing wrong with a config.
type problem struct {
	line, column int // from 1; 0 where it is not known
	kind         string
	text         string
}

// explain makes one error of problems, in the order of the file: for each "path:line:column: kind: text",
// the line itself, and a caret under the place.
func explain(path string, source []byte, problems []problem, advice string) error {
	slices.SortStableFunc(problems, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column))
	})
	lines := strings.Split(string(source), "\n")
	var out strings.Builder
	for i, p := range slices.Compact(problems) {
		if i > 0 {
			out.WriteByte('\n')
		}
		out.WriteString(p.show(path, lines))
	}
	return hint.Errorf(advice, "%s", out.String())
}

func (p problem) show(path string, lines []string) string {
	if p.line < 1 || p.line > len(lines) {
		return fmt.Sprintf("%s: %s: %s", path, p.kind, p.text)
	}
	head := fmt.Sprintf("%s:%d:%d: %s: %s", path, p.line, p.column, p.kind, p.text)
	line := strings.TrimRight(lines[p.line-1], "\r")
	number := fmt.Sprintf("%5d | ", p.line)
	// the caret stands below its column, also where the line has tabs
	before := []rune(line)[:min(max(p.column-1, 0), len([]rune(line)))]
	for i, r := range before {
		if r != '\t' {
			before[i] = ' '
		}
	}
	return fmt.Sprintf("%s\n%s%s\n%s| %s^", head, number, line, strings.Repeat(" ", len(number)-2), string(before))
}
