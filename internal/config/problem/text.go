package problem

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// text is a config as its lines. Lines and columns count from 1, columns in characters.
type text []string

func textOf(source []byte) text {
	return strings.Split(strings.ReplaceAll(string(source), "\r", ""), "\n")
}

func (t text) line(n int) string {
	if n < 1 || n > len(t) {
		return ""
	}
	return t[n-1]
}

// from is what stands in a line from a column on.
func (t text) from(line, column int) string {
	runes := []rune(t.line(line))
	return string(runes[min(max(column-1, 0), len(runes)):])
}

// before is what stands in a line before a column.
func (t text) before(line, column int) string {
	return strings.TrimSuffix(t.line(line), t.from(line, column))
}

// begin is the column of the first character of a line that is not blank.
func (t text) begin(line int) int {
	all := t.line(line)
	return utf8.RuneCountInString(all) - utf8.RuneCountInString(strings.TrimLeft(all, " \t")) + 1
}

// empty reports whether a line has nothing but a comment.
func (t text) empty(line int) bool {
	rest := strings.TrimSpace(t.line(line))
	return rest == "" || rest[0] == '#'
}

// previous is the last line before a line that is not empty, or 0.
func (t text) previous(line int) int {
	for line--; line > 0 && t.empty(line); line-- {
	}
	return line
}

// block is a list or a mapping that is written in lines, not between brackets.
type block struct {
	line, column int // of its first entry
	list         bool
	key          string // the first of a mapping
}

var (
	keyAtStart  = regexp.MustCompile(`^("[^"]*"|'[^']*'|[^\s"'#&*!|>%@{}\[\],?:-][^:#]*?|-[^\s:#][^:#]*?)\s*:(\s|$)`)
	dashAtStart = regexp.MustCompile(`^-(\s+|$)`)
	// opensText is a line whose value is text in the lines below it.
	opensText = regexp.MustCompile(`(^|[\s])[|>][-+0-9]*\s*(#.*)?$`)
)

// blocks are those that are open before a line, the innermost last.
func (t text) blocks(before int) (open []block) {
	for line := 1; line < before; line++ {
		if t.empty(line) {
			continue
		}
		open = t.opened(open, line)
		if _, last := t.below(line); last > line {
			line = min(last, before-1)
		}
	}
	return open
}

// opened is open with the blocks that a line begins, and without those that it ends.
func (t text) opened(open []block, line int) []block {
	column := t.begin(line)
	rest := t.from(line, column)
	for dash := dashAtStart.FindString(rest); dash != ""; dash = dashAtStart.FindString(rest) {
		open = closed(open, column, true)
		if in := innermost(open); !in.list || in.column < column {
			open = append(open, block{line: line, column: column, list: true})
		}
		column, rest = column+len(dash), rest[len(dash):]
	}
	open = closed(open, column, false)
	if in, key := innermost(open), keyOf(rest); key != "" && (in.list || in.column < column) {
		open = append(open, block{line: line, column: column, key: key})
	}
	return open
}

// closed is open without those that end at an entry, or a key, at a column.
func closed(open []block, column int, entry bool) []block {
	for len(open) > 0 {
		in := innermost(open)
		if in.column < column || in.column == column && (entry || !in.list) {
			break
		}
		open = open[:len(open)-1]
	}
	return open
}

// innermost is the last block, or one of no column if there is none.
func innermost(open []block) block {
	if len(open) == 0 {
		return block{}
	}
	return open[len(open)-1]
}

func keyOf(rest string) string {
	if found := keyAtStart.FindStringSubmatch(rest); found != nil {
		return found[1]
	}
	return ""
}

// below is the text that belongs to a line with | or >: the column of its first line, and its last line, which is the line
// itself if there is none.
func (t text) below(line int) (column, last int) {
	if t.empty(line) || !opensText.MatchString(t.line(line)) {
		return 0, line
	}
	own := t.keyColumn(line)
	last = line
	for n := line + 1; n <= len(t); n++ {
		switch {
		case strings.TrimSpace(t.line(n)) == "":
		case t.begin(n) <= own || column > 0 && t.begin(n) < column:
			return column, last
		default:
			if column == 0 {
				column = t.begin(n)
			}
			last = n
		}
	}
	return column, last
}

// keyColumn is where the innermost block of a line begins: of "- name: x" where name stands.
func (t text) keyColumn(line int) int {
	column := t.begin(line)
	for rest := t.from(line, column); ; rest = t.from(line, column) {
		dash := dashAtStart.FindString(rest)
		if next := strings.TrimPrefix(rest, dash); dash == "" || keyOf(next) == "" && !dashAtStart.MatchString(next) {
			return column
		}
		column += len(dash)
	}
}

// textAbove is the line whose text in lines below it ends just before a line, or 0.
func (t text) textAbove(line int) (header, column int) {
	for n := t.previous(line); n > 0; n = t.previous(n) {
		if !opensText.MatchString(t.line(n)) {
			continue
		}
		column, last := t.below(n)
		if t.previous(line) > last {
			return 0, 0
		}
		return n, column
	}
	return 0, 0
}
