package problem

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	explaining "go.yaml.in/yaml/v4"
)

// reads is how each place that the parser names is explained: by what it says.
var reads = map[string]func(text, *explaining.LoadError) Problem{
	"mapping values are not allowed in this context":               colon,
	"could not find expected ':'":                                  noColon,
	"did not find expected key":                                    misfit,
	"did not find expected '-' indicator":                          misfit,
	"block sequence entries are not allowed in this context":       entry,
	"did not find expected ',' or ']'":                             unclosed,
	"did not find expected ',' or '}'":                             unclosed,
	"did not find expected node content":                           nothing,
	"found character that cannot start any token":                  start,
	"found a tab character that violates indentation":              tab,
	"found a tab character where an indentation space is expected": tab,
	"did not find expected comment or line break":                  behindBar,
	"found unexpected end of stream":                               quote,
	"found unknown escape character":                               escape,
	"did not find expected hexadecimal number":                     escape,
	"found undefined tag handle":                                   tag,
	"did not find expected <document start>":                       noDocument,
}

// syntax says why source is no YAML, as a parser of the same origin as the one that counts (yaml.v3) sees it, which
// keeps the places. It is asked only about what that one refuses. None: it does not find it.
func syntax(source []byte) []Problem {
	var node explaining.Node
	var failed *explaining.LoadError
	if !errors.As(explaining.Unmarshal(source, &node), &failed) {
		return nil
	}
	if failed.Mark.Line == 0 {
		return encoding(source)
	}
	t := textOf(source)
	p := Problem{Line: failed.Mark.Line, Column: failed.Mark.Column, Text: failed.Message}
	read := reads[failed.Message]
	switch {
	case t.tabIndents(failed.Mark.Line, failed.Mark.Column):
		p = tab(t, failed)
	case strings.HasPrefix(failed.Message, "unknown anchor"):
		p = alias(t, failed)
	case read != nil:
		p = read(t, failed)
	}
	p.Kind = "error"
	return []Problem{t.inside(p)}
}

// inside is the problem at a place that the file has: the parser may name the one behind its end.
func (t text) inside(p Problem) Problem {
	if p.Line > len(t) || p.Line > 1 && p.Line == len(t) && t.line(p.Line) == "" {
		p.Line = max(t.previous(len(t)+1), 1)
		p.Column = utf8.RuneCountInString(strings.TrimRight(t.line(p.Line), " ")) + 1
	}
	return p
}

// encoding finds a character that YAML does not take.
func encoding(source []byte) []Problem {
	line, column := 1, 1
	for rest := source; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		switch {
		case r == utf8.RuneError && size == 1:
			return []Problem{{line, column, "error", fmt.Sprintf("the byte 0x%02x is not UTF-8", rest[0]), "save the file as UTF-8"}}
		case unicode.IsControl(r) && !strings.ContainsRune("\t\n\r\u0085", r):
			return []Problem{{line, column, "error", fmt.Sprintf("the character %U is not allowed in YAML", r), `remove it, or write it in double quotes: "\x` + fmt.Sprintf("%02x", r) + `"`}}
		case r == '\n':
			line, column = line+1, 0
		}
		column++
		rest = rest[size:]
	}
	return nil
}

// tabIndents reports whether a line has a tab before its first character, and nothing else before the column.
func (t text) tabIndents(line, column int) bool {
	before := t.before(line, t.begin(line))
	return column <= t.begin(line) && strings.Contains(before, "\t")
}

func tab(t text, failed *explaining.LoadError) Problem {
	line := failed.Mark.Line
	column := utf8.RuneCountInString(t.before(line, t.begin(line)))
	if i := strings.Index(t.line(line), "\t"); i >= 0 {
		column = utf8.RuneCountInString(t.line(line)[:i]) + 1
	}
	return Problem{Line: line, Column: column, Text: "a tab as indentation: YAML wants blanks", Hint: "indent by blanks; a tab that belongs to a text stands behind them"}
}

func alias(t text, failed *explaining.LoadError) Problem {
	line, column := failed.Mark.Line, failed.Mark.Column
	name := strings.FieldsFunc(strings.TrimPrefix(t.from(line, column), "*"), func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",]}", r) })
	what := strings.Join(name[:min(len(name), 1)], "")
	return Problem{
		Line: line, Column: column, Text: "there is no anchor &" + what + " before its alias *" + what,
		Hint: fmt.Sprintf("set it above, `key: &%s value`; or if the text is meant, quote it: \"*%s\"", what, what),
	}
}

func start(t text, failed *explaining.LoadError) Problem {
	rest := strings.TrimSpace(t.from(failed.Mark.Line, failed.Mark.Column))
	first, _ := utf8.DecodeRuneInString(rest)
	if first == '\t' || strings.HasPrefix(t.from(failed.Mark.Line, failed.Mark.Column), "\t") {
		return tab(t, failed)
	}
	return Problem{
		Line: failed.Mark.Line, Column: failed.Mark.Column, Text: fmt.Sprintf("no value begins with %c in YAML", first),
		Hint: fmt.Sprintf("quote it: '%s'", strings.ReplaceAll(rest, "'", "''")),
	}
}

func tag(t text, failed *explaining.LoadError) Problem {
	word, _, _ := strings.Cut(t.from(failed.Mark.Line, failed.Mark.Column), " ")
	return Problem{
		Line: failed.Mark.Line, Column: failed.Mark.Column, Text: word + " is not a tag that YAML knows",
		Hint: fmt.Sprintf("if the text is meant, quote it: %q", word),
	}
}

func noDocument(_ text, failed *explaining.LoadError) Problem {
	return Problem{
		Line: failed.Mark.Line, Column: failed.Mark.Column, Text: "the config has ended above: this does not belong to it",
		Hint: "a config is one mapping, whose keys (variant, version, storage, …) all begin in the first column",
	}
}

func behindBar(_ text, failed *explaining.LoadError) Problem {
	return Problem{
		Line: failed.Mark.Line, Column: failed.Mark.Column, Text: "text behind the | or >: it begins in the next line",
		Hint: "put it below, indented further than the key; or quote it and leave out the | or >",
	}
}

func nothing(t text, failed *explaining.LoadError) Problem {
	p := Problem{Line: failed.Mark.Line, Column: failed.Mark.Column, Text: "a value is missing here", Hint: "write one, or \"\" for none"}
	if line, column := t.lastOpen(len(t) + 1); line > 0 && t.inside(p) != p { // the end of the file
		return neverClosed(t, line, column)
	}
	return p
}
