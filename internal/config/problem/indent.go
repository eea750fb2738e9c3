package problem

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	explaining "go.yaml.in/yaml/v4"
)

var conflict = regexp.MustCompile(`^(<{7}|={7}|>{7}|\|{7})( |$)`)

// colon explains a ": " where no key can be: the value has one, or the line is indented as if it went on with the value
// above it.
func colon(t text, failed *explaining.LoadError) Problem {
	line, column := failed.Mark.Line, failed.Mark.Column
	if open, at := t.lastOpen(line); open > 0 {
		return neverClosed(t, open, at)
	}
	start := strings.TrimSpace(t.before(line, column+1))
	if above := t.previous(line); dashAtStart.MatchString(start) && keyOf(t.from(above, t.keyColumn(above))) == "" {
		return continues(t, line)
	}
	if key := keyOf(start); key != "" && start == key+":" {
		return continues(t, line)
	}
	p := Problem{Line: line, Column: column, Text: "a second \": \" in one line: the value has one, or a key that needs a line of its own"}
	first, value, _ := strings.Cut(t.line(line), ": ")
	value = strings.ReplaceAll(strings.TrimSpace(value), "'", "''")
	p.Hint = fmt.Sprintf("if it is text, quote it: `%s: '%s'`; if it is a key, write it below %s:, indented further", strings.TrimLeft(first, " -"), value, strings.TrimLeft(first, " -"))
	return p
}

// continues explains a line that YAML takes for more of the value above it.
func continues(t text, line int) Problem {
	above := t.previous(line)
	column := t.keyColumn(above)
	rest := t.from(above, column)
	blocks := t.blocks(line)
	name := keyOf(strings.TrimLeft(t.from(line, t.begin(line)), "- "))
	switch {
	case strings.HasPrefix(rest, "-") && !dashAtStart.MatchString(rest):
		return gluedDash(t, above, column)
	case dashAtStart.MatchString(rest):
		return noColonBehind(t, above, column+len(dashAtStart.FindString(rest)))
	case keyOf(rest) == "":
		return noColonBehind(t, above, column)
	}
	p := Problem{Line: line, Column: t.begin(line), Text: fmt.Sprintf("%s is indented too far: YAML takes it for more of the value of %s in line %d", name, keyOf(rest), above)}
	if b, ok := nearest(blocks, p.Column, false); ok {
		p.Text += fmt.Sprintf("; it does not fit into %s", b)
		p.Hint = indentAs(b)
	}
	return p
}

func gluedDash(t text, line, column int) Problem {
	return Problem{Line: line, Column: column + 1, Text: "no blank behind the -", Hint: "write `- " + strings.TrimPrefix(t.from(line, column), "-") + "`"}
}

// noColonBehind explains a key without its colon, or with one that nothing parts from the value.
func noColonBehind(t text, line, column int) Problem {
	rest := strings.TrimSpace(t.from(line, column))
	p := Problem{Line: line, Column: column, Text: fmt.Sprintf("%s has no \":\": a line is `key: value`, or an entry that begins with `- `", short(rest, "this line")), Hint: fmt.Sprintf("write `%s:`", rest)}
	key, value, found := strings.Cut(rest, ":")
	if word, more, two := strings.Cut(rest, " "); !found && two && more != "" {
		p.Hint = fmt.Sprintf("write `%s: %s`", word, strings.TrimSpace(more))
	}
	if found && !strings.Contains(key, " ") && value != "" {
		p.Column += utf8.RuneCountInString(key) + 1
		p.Text, p.Hint = "no blank behind the \":\" of "+key, fmt.Sprintf("write `%s: %s`", key, value)
	}
	return p
}

// noColon explains a line that should be a key and is none.
func noColon(t text, failed *explaining.LoadError) Problem {
	line, column := failed.ContextMark.Line, failed.ContextMark.Column
	rest := t.from(line, column)
	if open, at := t.lastOpen(line); open > 0 {
		return neverClosed(t, open, at)
	}
	if conflict.MatchString(rest) {
		return Problem{Line: line, Column: column, Text: "a line of a merge conflict", Hint: "`git mergetool` solves it, or choose one of the two sides and remove the lines with <<<<<<<, ======= and >>>>>>>"}
	}
	if strings.HasPrefix(rest, "-") && !dashAtStart.MatchString(rest) {
		return gluedDash(t, line, column)
	}
	if header, text := t.textAbove(line); header > 0 && column == t.begin(line) {
		return leavesText(t, line, header, text)
	}
	return noColonBehind(t, line, column)
}

// leavesText explains a line that is indented less than the text that it belongs to.
func leavesText(t text, line, header, column int) Problem {
	key := t.from(header, t.keyColumn(header))
	p := Problem{Line: line, Column: t.begin(line), Text: fmt.Sprintf("this line ends the text of `%s` in line %d: it is indented less", key, header)}
	if column == 0 {
		p.Text = fmt.Sprintf("the text of `%s` in line %d is not indented further than its key", key, header)
		column = t.keyColumn(header) + 2
	}
	p.Hint = fmt.Sprintf("if it belongs to the text, indent it by %s", blanks(column-1))
	return p
}

// misfit explains what stands where a key or an entry of an open block should.
func misfit(t text, failed *explaining.LoadError) Problem {
	line, column := failed.Mark.Line, failed.Mark.Column
	if column != t.begin(line) {
		return behind(t, line, column)
	}
	if header, text := t.textAbove(line); header > 0 && column > t.keyColumn(header) {
		return leavesText(t, line, header, text)
	}
	rest := t.from(line, column)
	if strings.HasPrefix(rest, "-") && !dashAtStart.MatchString(rest) {
		return gluedDash(t, line, column)
	}
	open := t.blocks(line)
	if len(open) > 0 && column > open[len(open)-1].column {
		return belowValue(t, line, column)
	}
	return between(t, line, column, open)
}

// between explains a line at a column at which no block is, or one of the other kind.
func between(t text, line, column int, open []block) Problem {
	rest := t.from(line, column)
	list := dashAtStart.MatchString(rest)
	what := keyOf(rest)
	if list {
		what = "the entry " + short(rest, "of this line")
	} else if what == "" {
		what = short(rest, "this line")
	}
	p := Problem{Line: line, Column: column, Text: what + " does not fit in here"}
	if b, ok := nearest(open, column, list); ok {
		p.Text = fmt.Sprintf("%s does not fit into %s", what, b)
		p.Hint = indentAs(b)
	} else if b, ok := nearest(open, column, !list); ok {
		p.Text = fmt.Sprintf("%s does not fit into %s", what, b)
		p.Hint = "a list has entries only, each with `- `; a mapping keys only"
	}
	return p
}

// belowValue explains a line that is indented below a value that has ended.
func belowValue(t text, line, column int) Problem {
	above := t.previous(line)
	key := t.from(above, t.keyColumn(above))
	what := keyOf(t.from(line, column))
	if what == "" {
		what = "this line"
	}
	p := Problem{Line: line, Column: column, Text: fmt.Sprintf("%s does not fit below %s in line %d, whose value has ended", what, short(key, "the value"), above)}
	name := keyOf(key)
	if _, value, _ := strings.Cut(key, ":"); strings.HasPrefix(strings.TrimSpace(value), "[") {
		p.Hint = fmt.Sprintf("text that begins with a [: quote it, or write `%s: |` and the text below", name)
	} else if b, ok := nearest(t.blocks(line), column, false); ok {
		p.Hint = indentAs(b)
	}
	return p
}

// entry explains a "- " where no entry can be.
func entry(t text, failed *explaining.LoadError) Problem {
	line, column := failed.Mark.Line, failed.Mark.Column
	p := Problem{Line: line, Column: column, Text: "an entry of a list, `- `, cannot stand here"}
	if column == t.begin(line) {
		return between(t, line, column, t.blocks(line))
	}
	p.Hint = "begin the list in the next line, indented further; or quote the value"
	return p
}

// nearest is the open block of a kind whose column is nearest.
func nearest(open []block, column int, list bool) (best block, found bool) {
	for _, b := range open {
		if b.list == list && (!found || distance(b.column, column) <= distance(best.column, column)) {
			best, found = b, true
		}
	}
	return best, found
}

func distance(a, b int) int { return max(a-b, b-a) }

func (b block) String() string {
	if b.list {
		return fmt.Sprintf("the list that begins at %d:%d", b.line, b.column)
	}
	return fmt.Sprintf("the mapping that begins at %d:%d with %s", b.line, b.column, b.key)
}

func indentAs(b block) string {
	if b.list {
		return fmt.Sprintf("indent it by %s, as the entry in line %d", blanks(b.column-1), b.line)
	}
	return fmt.Sprintf("indent it by %s, as %s in line %d", blanks(b.column-1), b.key, b.line)
}

func blanks(n int) string {
	switch n {
	case 0:
		return "no blank"
	case 1:
		return "1 blank"
	}
	return fmt.Sprintf("%d blanks", n)
}

// short is a text in quotes, or if it is long what it is called.
func short(s, long string) string {
	const most = 40
	if utf8.RuneCountInString(s) > most {
		return long
	}
	return "`" + s + "`"
}
