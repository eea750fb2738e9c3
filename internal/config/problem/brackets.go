package problem

import (
	"fmt"
	"strings"
	"unicode/utf8"

	explaining "go.yaml.in/yaml/v4"
)

// unclosed explains a { or [ that does not end where it should.
func unclosed(t text, failed *explaining.LoadError) Problem {
	line, column := failed.Mark.Line, failed.Mark.Column
	open := failed.ContextMark
	bracket := string([]rune(t.from(open.Line, open.Column) + " ")[0])
	closing := map[string]string{"{": "}", "[": "]"}[bracket]
	p := Problem{Line: line, Column: column}
	switch {
	case t.inside(p) != p:
		return neverClosed(t, open.Line, open.Column)
	case line > open.Line:
		p.Column = t.begin(line)
	case strings.HasPrefix(t.from(line, column), ":"): // what stands before it is a key
		before := t.before(line, column)
		p.Column = utf8.RuneCountInString(before[:strings.LastIndexAny(before, " ,{[")+1]) + 1
	}
	found := t.word(line, p.Column)
	p.Text = fmt.Sprintf("a %s or a comma is missing before %s: the %s was opened at %d:%d", closing, found, bracket, open.Line, open.Column)
	p.Hint = fmt.Sprintf("close it with %s, or part its entries by commas; or quote the text, if it is some", closing)
	return p
}

// word is what stands at a place, for a message.
func (t text) word(line, column int) string {
	rest := strings.TrimSpace(t.from(line, column))
	if key := keyOf(rest); key != "" {
		return short(key, "this")
	}
	return short(rest, "this")
}

func neverClosed(t text, line, column int) Problem {
	bracket := string([]rune(t.from(line, column) + " ")[0])
	return Problem{Line: line, Column: column, Text: fmt.Sprintf("the %s is never closed", bracket), Hint: "close it; or if it is text, quote the value"}
}

// quote explains a quoted text without an end.
func quote(t text, failed *explaining.LoadError) Problem {
	open := failed.ContextMark
	if open.Line == 0 {
		return Problem{Line: failed.Mark.Line, Column: failed.Mark.Column, Text: failed.Message}
	}
	return openQuote(t, open.Line, open.Column)
}

func openQuote(t text, line, column int) Problem {
	mark := string([]rune(t.from(line, column) + " ")[0])
	return Problem{Line: line, Column: column, Text: fmt.Sprintf("the quote %s is not closed", mark), Hint: fmt.Sprintf("write %s at the end of the text, too; a text with quotes goes below `|`", mark)}
}

func escape(t text, failed *explaining.LoadError) Problem {
	line, column := failed.Mark.Line, failed.Mark.Column
	if i := strings.LastIndex(t.before(line, column+1), `\`); i >= 0 {
		column = utf8.RuneCountInString(t.line(line)[:i]) + 1
	}
	return Problem{Line: line, Column: column, Text: fmt.Sprintf("%s is not an escape that YAML knows in double quotes", short(string([]rune(t.from(line, column) + "  ")[:2]), "this")), Hint: `write \\ for a backslash, or single quotes around the text`}
}

// behind explains what stands behind a value that has ended.
func behind(t text, line, column int) Problem {
	before := strings.TrimRight(t.before(line, column), " ")
	rest := strings.TrimSpace(t.from(line, column))
	p := Problem{Line: line, Column: column, Text: fmt.Sprintf("%s stands behind the end of the value", short(rest, "this"))}
	p.Hint = "quote the whole value: '…'; in single quotes '' is one"
	if strings.HasPrefix(rest, "]") || strings.HasPrefix(rest, "}") {
		p.Text, p.Hint = fmt.Sprintf("a %s that nothing opens", rest[:1]), "remove it; or if it is text, quote the value"
		return p
	}
	if mark := strings.TrimLeft(before, " "); strings.HasSuffix(mark, `"`) || strings.HasSuffix(mark, "'") {
		if from, at := t.oddQuote(line, before); from > 0 {
			return openQuote(t, from, at)
		}
	}
	return p
}

// oddQuote is the place of the quote that the last one of before ends, if it is in a line above.
func (t text) oddQuote(line int, before string) (from, column int) {
	mark := before[len(before)-1:]
	if strings.Count(before, mark)%2 == 0 {
		return 0, 0
	}
	for n := t.previous(line); n > 0; n = t.previous(n) {
		if strings.Count(t.line(n), mark)%2 == 1 {
			i := strings.LastIndex(t.line(n), mark)
			return n, utf8.RuneCountInString(t.line(n)[:i]) + 1
		}
	}
	return 0, 0
}

// lastOpen is the place of the last bracket before a line that nothing closes before it. Text in quotes, comments, and text
// below | is not looked at.
func (t text) lastOpen(before int) (line, column int) {
	open := [][2]int{}
	for n := 1; n < min(before, len(t)+1); n++ {
		for column, r := range bare(t.line(n)) {
			switch {
			case strings.ContainsRune("[{", r):
				open = append(open, [2]int{n, column + 1})
			case strings.ContainsRune("]}", r) && len(open) > 0:
				open = open[:len(open)-1]
			}
		}
		if _, end := t.below(n); len(open) == 0 {
			n = end
		}
	}
	if len(open) == 0 {
		return 0, 0
	}
	return open[len(open)-1][0], open[len(open)-1][1]
}

// bare is a line without what is in quotes, in its comment, or in the middle of a word: blanks stand there.
func bare(line string) []rune {
	runes := []rune(line)
	quoted, last := rune(0), ' '
	for i, r := range runes {
		begins := strings.ContainsRune(" [{,:", last)
		switch last = r; {
		case quoted != 0:
			if r == quoted {
				quoted = 0
			}
			runes[i] = ' '
		case begins && strings.ContainsRune("\"'#", r):
			quoted = r
			if r == '#' { // to the end of the line
				quoted = '\n'
			}
		case !begins && strings.ContainsRune("[{", r):
			runes[i] = ' '
		}
	}
	return runes
}
